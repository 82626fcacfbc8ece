package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// exchange sends raw bytes and returns the head and the body of the answer.
func exchange(t *testing.T, host, request string) (head, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content := []byte{}
	if response.StatusCode != http.StatusSwitchingProtocols {
		if content, err = io.ReadAll(response.Body); err != nil {
			t.Fatal(err)
		}
	}
	head, _, _ = strings.Cut(answer.String(), "\r\n\r\n")
	return head + "\r\n", string(content)
}

func upgradeRequest(host, target string, more ...string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", target, host, strings.Join(more, ""))
}

func target(signed string) string { return "/mqtt?" + signed[strings.Index(signed, "?")+1:] }

func TestRefusalLooksLikeAWS(t *testing.T) {
	g := start(t)
	const id = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
	const token = "tokentokentoken"
	requests := map[string]string{
		"wrong secret": upgradeRequest(g.host, target(g.url(t, "wrong"))+"&X-Amz-Security-Token="+token),
		"no query":     upgradeRequest(g.host, "/mqtt"),
		"no upgrade":   "GET /mqtt HTTP/1.1\r\nHost: " + g.host + "\r\n\r\n",
		"POST":         strings.Replace(upgradeRequest(g.host, target(g.url(t, testSecret))), "GET", "POST", 1),
		"foreign page": upgradeRequest(g.host, target(g.url(t, testSecret)), "Origin: https://evil.example\r\n"),
		"null origin":  upgradeRequest(g.host, target(g.url(t, testSecret)), "Origin: null\r\n"),
	}
	for name, request := range requests {
		head, body := exchange(t, g.host, request)
		for _, want := range []string{
			`^HTTP/1\.1 403 Forbidden\r\n`, `\r\nContent-Type: application/json\r\n`, `\r\nContent-Length: \d+\r\n`, `\r\nDate: `,
			`\r\nx-amzn-RequestId: ` + id + `\r\n`, `\r\nx-amzn-ErrorType: ForbiddenException:\r\n`,
		} {
			if !regexp.MustCompile(want).MatchString(head) {
				t.Errorf("%s: no %q in %q", name, want, head)
			}
		}
		if !regexp.MustCompile(`^{"message":"Forbidden","traceId":"` + id + `"}$`).MatchString(body) {
			t.Errorf("%s: body %s", name, body)
		}
	}
	log := g.log.String()
	for _, want := range []string{`reason="signature mismatch`, `reason="X-Amz-Algorithm is missing"`, `reason="origin is not on this machine"`} {
		if !strings.Contains(log, want) {
			t.Errorf("no %s in the log", want)
		}
	}
	for _, secret := range []string{token, "X-Amz-Signature=", testSecret, testKeyID + "%2F"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestUpgrade(t *testing.T) {
	g := start(t)
	for name, test := range map[string]struct{ more, want string }{
		"mqtt":            {"Sec-WebSocket-Protocol: mqtt\r\n", "Sec-WebSocket-Protocol: mqtt\r\n"},
		"mqttv3.1":        {"Sec-WebSocket-Protocol: mqttv3.1\r\n", "Sec-WebSocket-Protocol: mqttv3.1\r\n"},
		"none":            {"", "Upgrade: websocket\r\n"},
		"loopback origin": {"Origin: http://localhost:5173\r\n", "Upgrade: websocket\r\n"},
		"compression":     {"Sec-WebSocket-Extensions: permessage-deflate\r\n", "Upgrade: websocket\r\n"},
	} {
		head, _ := exchange(t, g.host, upgradeRequest(g.host, target(g.url(t, testSecret)), test.more))
		if !strings.HasPrefix(head, "HTTP/1.1 101 ") || !strings.Contains(strings.ToLower(head), strings.ToLower(test.want)) || strings.Contains(head, "Extensions") {
			t.Errorf("%s: %q", name, head)
		}
	}
	if head, _ := exchange(t, g.host, upgradeRequest("evil.example", target(g.url(t, testSecret)))); !strings.HasPrefix(head, "HTTP/1.1 421 ") {
		t.Errorf("foreign host: %q", head)
	}
}

func TestTextFramesAreRefused(t *testing.T) {
	g := start(t)
	ws, _, err := websocket.Dial(t.Context(), g.url(t, testSecret), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("hi")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("closed with %v", err)
	}
}

func TestGatewayJSON(t *testing.T) {
	g := start(t)
	_, port, _ := net.SplitHostPort(g.host)
	head, body := exchange(t, g.host, "GET /gateway.json HTTP/1.1\r\nHost: localhost:"+port+"\r\nOrigin: http://localhost:5173\r\n\r\n")
	var got map[string]string
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"endpoint": "ws://localhost:" + port, "region": testRegion, "accessKeyId": testKeyID, "secretAccessKey": testSecret} {
		if got[key] != want {
			t.Errorf("%s = %q, want %q", key, got[key], want)
		}
	}
	if !strings.Contains(head, "Cache-Control: no-store\r\n") || strings.Contains(head, "Access-Control") {
		t.Errorf("head %q", head)
	}
	for _, host := range []string{"evil.example", "0.0.0.0:" + port, "localhost.evil.example"} {
		if head, body := exchange(t, g.host, "GET /gateway.json HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); !strings.HasPrefix(head, "HTTP/1.1 421 ") || strings.Contains(body, testSecret) {
			t.Errorf("%s: %q", host, head)
		}
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1"} {
		if err := run(t.Context(), []string{"-addr", addr}, io.Discard, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "-addr") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestBadCreationFaultsAreRefused(t *testing.T) {
	for _, test := range [][3]string{
		{"-shadow-creation-spacing", "-1s", "want 0 or more with a unit"},
		{"-shadow-creation-spacing", "1000", "want 0 or more with a unit"},
		{"-shadow-creation-spacing", "soon", "want 0 or more with a unit"},
		{"-shadow-creation-fault", "ignore", "want reject or drop"},
		{"-shadow-creation-fault", "", "want reject or drop"},
	} {
		err := run(t.Context(), test[:2], io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test[0]) || !strings.Contains(err.Error(), test[2]) {
			t.Errorf("%s %q: %v", test[0], test[1], err)
		}
	}
}
