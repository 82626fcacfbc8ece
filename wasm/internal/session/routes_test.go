package session

import (
	"fmt"
	"slices"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, tc := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/B", false},
		{"a/b", "a/b/c", false},
		{"a/+", "a/b", true},
		{"a/+", "a", false},
		{"a/+", "a/", true},
		{"+", "a", true},
		{"+", "/a", false},
		{"/+", "/a", true},
		{"+/+", "/a", true},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"#", "a/b", true},
		{"#", "$aws/x", false},
		{"+/x", "$aws/x", false},
		{"$aws/#", "$aws/x/y", true},
		{"$aws/things/+/shadow/#", "$aws/things/t/shadow/update", true},
		{"a/$x/#", "a/$x/y", true},
		{"a/+/c", "a/$x/c", true},
		{"$share/g/a/+", "a/b", true},
		{"$share/g/#", "$aws/x", false},
		{"a//b", "a//b", true},
		{"a/+/b", "a//b", true},
	} {
		var r routes
		r.add(tc.filter, 1)
		if got := len(r.match(tc.topic)) == 1; got != tc.want {
			t.Errorf("%q matches %q: %v, want %v", tc.filter, tc.topic, got, tc.want)
		}
	}
}

func TestRoutesKeepCount(t *testing.T) {
	var r routes
	r.add("a/+", 2)
	r.add("a/b", 1)
	r.add("#", 3)
	r.add("a/+", 3)
	if got := r.match("a/b"); !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Errorf("match = %v", got)
	}
	if r.remove("a/+", 3) {
		t.Error("a/+ is said to be unused; subscription 2 has it")
	}
	if !r.remove("a/+", 2) {
		t.Error("a/+ is said to be in use")
	}
	if got := r.match("a/b"); !slices.Equal(got, []uint32{1, 3}) {
		t.Errorf("match = %v", got)
	}
	r.removeAll(1)
	if unused := r.removeAll(3); !slices.Equal(unused, []string{"#"}) {
		t.Errorf("unused = %v", unused)
	}
	if len(r.root.next) != 0 || len(r.filters) != 0 {
		t.Errorf("memory is kept: %+v", r)
	}
}

func TestCachedTopicsAreBounded(t *testing.T) {
	var r routes
	r.add("#", 1)
	for i := range 5 * maxCachedTopics {
		r.match(fmt.Sprint(i))
		if len(r.cache) > maxCachedTopics {
			t.Fatalf("%d topics cached", len(r.cache))
		}
	}
}
