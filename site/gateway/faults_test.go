package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

const testToken = "test-token-0123456789"

// control calls the control API with the right token.
func (g *gateway) control(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	return g.call(t, method, path, body, http.Header{"Authorization": {"Bearer " + testToken}})
}

func (g *gateway) call(t *testing.T, method, path, body string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestControlNeedsItsToken(t *testing.T) {
	g := start(t, "-control-token", testToken)
	for name, test := range map[string]struct {
		header http.Header
		status int
	}{
		"token":            {http.Header{"Authorization": {"Bearer " + testToken}}, 200},
		"scheme's case":    {http.Header{"Authorization": {"bearer " + testToken}}, 200},
		"page on loopback": {http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {"http://localhost:5173"}}, 200},
		"none":             {http.Header{}, 401},
		"another":          {http.Header{"Authorization": {"Bearer secret-of-someone"}}, 401},
		"beginning":        {http.Header{"Authorization": {"Bearer " + testToken[:20]}}, 401},
		"no scheme":        {http.Header{"Authorization": {testToken}}, 401},
		"empty":            {http.Header{"Authorization": {"Bearer "}}, 401},
		"two":              {http.Header{"Authorization": {"Bearer " + testToken, "Bearer " + testToken}}, 401},
		"foreign page":     {http.Header{"Authorization": {"Bearer " + testToken}, "Origin": {"https://evil.example"}}, 403},
	} {
		for _, path := range []string{"/_gateway/faults", "/_gateway/faults?token=" + testToken} {
			if status, body := g.call(t, "GET", path, "", test.header); status != test.status {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
	}
	for _, request := range [][2]string{{"POST", "/_gateway/faults"}, {"DELETE", "/_gateway/faults"}, {"DELETE", "/_gateway/faults/1"}, {"POST", "/_gateway/connections/a/kill"}, {"GET", "/_gateway/faults/none"}} {
		if status, _ := g.call(t, request[0], request[1], "", http.Header{}); status != 401 {
			t.Errorf("%s %s: %d", request[0], request[1], status)
		}
	}
	head, _ := exchange(t, g.host, "GET /_gateway/faults HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer "+testToken+"\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 421 ") {
		t.Errorf("foreign host: %s", head)
	}
	if log := g.log.String(); strings.Contains(log, testToken[:20]) || strings.Contains(log, "secret-of-someone") {
		t.Error("the log shows a token")
	}
}

func TestControlOfFaults(t *testing.T) {
	g := start(t, "-control-token", testToken, "-fault", `{"fault":"upgrade","action":"refuse","status":500,"times":1}`)
	head, _ := exchange(t, g.host, upgradeRequest(g.host, target(g.url(t, testSecret))))
	if !strings.HasPrefix(head, "HTTP/1.1 500 ") {
		t.Errorf("upgrade: %s", head)
	}
	for _, test := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/_gateway/faults", "", 200, `{"rules":[{"id":"1","rule":{"fault":"upgrade","action":"refuse","times":1,"status":500},"seen":1,"applied":1,"spent":true}]}`},
		{"POST", "/_gateway/faults", `{"fault":"puback","action":"delay","delayMs":5}`, 201, `{"id":"2"}`},
		{"POST", "/_gateway/faults", `{"fault":"puback","action":"delay","delay":5}`, 400, `{"message":"unknown member \"delay\", known are fault, action, match, times, every, delayMs"}`},
		{"POST", "/_gateway/faults", strings.Repeat(" ", 70000), 413, `{"message":"the rule is too long"}`},
		{"POST", "/_gateway/faults", `{"fault":"shadow","action":"refuse","status":429}`, 201, `{"id":"3"}`},
		{"POST", "/_gateway/faults", `{"fault":"shadow","action":"drop"}`, 409, `{"message":"rule 3: there is a rule of this fault, remove it first"}`},
		{"DELETE", "/_gateway/faults/2", "", 204, ""},
		{"DELETE", "/_gateway/faults/2", "", 404, `{"message":"there is no such rule"}`},
		{"PUT", "/_gateway/faults", "", 405, "Method Not Allowed\n"},
		{"POST", "/_gateway/connections/nobody/kill", "", 404, `{"message":"there is no such client"}`},
		{"POST", "/_gateway/connections/nobody/disconnect", "", 400, `{"message":"reasonCode: must be 0 to 255, or 0x0 to 0xff"}`},
		{"POST", "/_gateway/connections/nobody/disconnect?reasonCode=256", "", 400, `{"message":"reasonCode: must be 0 to 255, or 0x0 to 0xff"}`},
	} {
		if status, answer := g.control(t, test.method, test.path, test.body); status != test.status || answer != test.answer {
			t.Errorf("%s %s: %d %s", test.method, test.path, status, answer)
		}
	}

	c, _ := g.connect(t, "c")
	c.subscribe(t, 1, "$aws/things/lamp/shadow/get/rejected")
	c.publish(t, 1, "$aws/things/lamp/shadow/get", "")
	if got := string(c.next(t).Payload); !strings.Contains(got, `"code":429`) {
		t.Errorf("shadow: %s", got)
	}
	if status, _ := g.control(t, "DELETE", "/_gateway/faults", ""); status != 204 {
		t.Errorf("DELETE: %d", status)
	}
	if _, answer := g.control(t, "GET", "/_gateway/faults", ""); answer != `{"rules":[]}` {
		t.Errorf("after DELETE: %s", answer)
	}
	c.publish(t, 1, "$aws/things/lamp/shadow/get", "")
	if got := string(c.next(t).Payload); !strings.Contains(got, `"code":404`) {
		t.Errorf("shadow: %s", got)
	}
}

func TestControlOfConnections(t *testing.T) {
	g := start(t, "-control-token", testToken)
	order := func(clientID, what string) {
		t.Helper()
		if status, body := g.control(t, "POST", "/_gateway/connections/"+clientID+"/"+what, ""); status != 204 {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	c, _ := g.connect(t, "a/b c")
	order("a%2Fb%20c", "disconnect?reasonCode=0x8b")
	if got := receive(t, c.disconnect); got.ReasonCode != 0x8b {
		t.Errorf("DISCONNECT 0x%x", got.ReasonCode)
	}

	_, connack := g.connect(t, "")
	order(connack.Properties.AssignedClientID, "freeze")

	ws, _, err := websocket.Dial(t.Context(), g.url(t, testSecret), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := ws.Write(ctx, websocket.MessageBinary, []byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01k")); err != nil {
		t.Fatal(err)
	}
	if _, got, err := ws.Read(ctx); err != nil || string(got) != "\x20\x02\x00\x00" {
		t.Fatal(got, err)
	}
	order("k", "kill")
	if _, got, err := ws.Read(ctx); err == nil || websocket.CloseStatus(err) != -1 || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %x and %v", got, err)
	}
	before := time.Now()
	g.stop() // with a frozen client
	if took := time.Since(before); took > 5*time.Second {
		t.Errorf("took %v to end", took)
	}
}

func TestFaultFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(file, []byte(`{"rules":[{"fault":"kill"},{"fault":"pingresp","action":"drop"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := readFlags([]string{"-fault", "@" + file, "-fault", `{"fault":"read","delayMs":1}`}, io.Discard)
	if err != nil || len(o.faults.rules) != 3 || o.faults.rules[2].Fault != "read" {
		t.Errorf("%+v, %v", o.faults.rules, err)
	}
	for want, args := range map[string][]string{
		"no such file":            {"-fault", "@/does/not/exist"},
		`unknown member "tims"`:   {"-fault", `{"fault":"kill","tims":1}`},
		"remove it first":         {"-fault", `{"fault":"shadow","action":"drop"}`, "-fault", `{"fault":"shadow","action":"drop"}`},
		"-control-token: want 16": {"-control-token", "too-short"},
	} {
		err := run(t.Context(), append(args, "-addr", "127.0.0.1:0"), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "too-short") {
			t.Errorf("%v: %v", args, err)
		}
	}

	var lines [2]string
	for i := range lines {
		opened, err := new(faultFlags).open(nil)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = opened.describe()
	}
	if !regexp.MustCompile(`^control     [0-9a-f]{32}\n$`).MatchString(lines[0]) || lines[0] == lines[1] {
		t.Errorf("%q", lines)
	}
}
