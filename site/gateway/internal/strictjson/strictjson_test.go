package strictjson

import (
	"errors"
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	members, err := Object([]byte(" {\"b\": [1, 2], \"a\": {\"b\": 1}}\n"))
	if err != nil || len(members) != 2 || members[0].Name != "b" || string(members[1].Value) != `{"b": 1}` {
		t.Errorf("%v %v", members, err)
	}
	for text, want := range map[string]string{
		"":                              "must be an object",
		"[]":                            "must be an object",
		`{"a":1,"a":2}`:                 `member "a" is given twice`,
		`{"a":1,"\u0061":2}`:            `member "a" is given twice`,
		`{"a":1} x`:                     "line 1: not JSON",
		"{\n\"a\":\n}":                  "line 3: not JSON",
		`{"a":1}{}`:                     "not JSON",
		strings.Repeat(`{"a":`, 100000): "not JSON",
	} {
		if _, err := Object([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: %v, want %q", text, err, want)
		}
	}
}

func TestValues(t *testing.T) {
	number := func(text string) error { _, err := Int([]byte(text), 1, 10); return err }
	flag := func(text string) error { _, err := Bool([]byte(text)); return err }
	texts := func(text string) error { _, err := OneOrMore([]byte(text)); return err }
	for _, test := range []struct {
		read func(string) error
		text string
		want string
	}{
		{number, " 10 ", ""},
		{number, "0", "must be a whole number from 1 to 10"},
		{number, "1.0", "must be a whole number"},
		{number, `"1"`, "must be a whole number"},
		{flag, "true", ""},
		{flag, "null", "must be true or false"},
		{texts, `"a"`, ""},
		{texts, `["a","b"]`, ""},
		{texts, `[]`, "must not be empty"},
		{texts, `["a",1]`, "[1]: must be a string"},
		{texts, `{}`, "must be a string or an array of strings"},
		{texts, `null`, "must be a string or an array of strings"},
	} {
		err := test.read(test.text)
		if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		}
	}
}

func TestPlaces(t *testing.T) {
	err := In("Statement", In(Index(2), In("Action", In(Index(0), Problem("is wrong")))))
	if got := err.Error(); got != "Statement[2].Action[0]: is wrong" {
		t.Error(got)
	}
	if got := In("a", errors.New("plain")).Error(); got != "a: plain" {
		t.Error(got)
	}
	if In("a", nil) != nil {
		t.Error("no error became one")
	}
	long := Quote(strings.Repeat("ä", 100))
	if len(long) > 80 || strings.Contains(long, `\x`) {
		t.Error(long)
	}
}
