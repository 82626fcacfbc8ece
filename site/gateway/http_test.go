package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
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

// What cannot be read is not taken for an empty body, nor answered as if it were done.
func TestBrokenBodies(t *testing.T) {
	g := start(t, "-control-token", testToken)
	for _, path := range []string{"/_gateway/faults", "/things/T/shadow"} {
		head, _ := exchange(t, g.host, "POST "+path+" HTTP/1.1\r\nHost: "+g.host+"\r\nAuthorization: Bearer "+testToken+"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 400 ") {
			t.Errorf("%s: %q", path, head)
		}
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

// signedBy is the target of an upgrade that is signed with other credentials.
func signedBy(t *testing.T, g *gateway, service string, c aws.Credentials) string {
	t.Helper()
	token := c.SessionToken
	c.SessionToken = ""
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), c,
		&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "ws", Host: g.host, Path: "/mqtt"}},
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", service, testRegion, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		signed += "&X-Amz-Security-Token=" + url.QueryEscape(token)
	}
	return target(signed)
}

func TestIssuedCredentials(t *testing.T) {
	g := start(t, "-credentials-duration", "30m")
	head, body := exchange(t, g.host, "POST /credentials HTTP/1.1\r\nHost: "+g.host+"\r\nOrigin: http://localhost:5173\r\nContent-Length: 0\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "Access-Control-Allow-Origin: http://localhost:5173\r\n") || !strings.Contains(head, "Cache-Control: no-store\r\n") {
		t.Errorf("head %q", head)
	}
	var c struct {
		AccessKeyID, SecretAccessKey, SessionToken string
		Expiration                                 time.Time
	}
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	if left := time.Until(c.Expiration); left < 29*time.Minute || left > 30*time.Minute {
		t.Errorf("expires in %v", left)
	}
	good := aws.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken}
	if head, _ := exchange(t, g.host, upgradeRequest(g.host, signedBy(t, g, "iotdevicegateway", good))); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Errorf("issued credentials: %q", head)
	}
	without := good
	without.SessionToken = ""
	if head, _ := exchange(t, g.host, upgradeRequest(g.host, signedBy(t, g, "iotdevicegateway", without))); !strings.HasPrefix(head, "HTTP/1.1 403 ") {
		t.Errorf("without their token: %q", head)
	}
	for _, request := range []string{
		"GET /credentials HTTP/1.1\r\nHost: " + g.host + "\r\nOrigin: https://evil.example\r\n\r\n",
		"GET /credentials HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	} {
		if _, body := exchange(t, g.host, request); strings.Contains(body, "secretAccessKey") {
			t.Errorf("given to a foreign page: %s", body)
		}
	}
	for _, secret := range []string{c.SecretAccessKey, c.SessionToken} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestAccessKeysAndService(t *testing.T) {
	g := start(t, "-access-key", "AKIDOTHER:other:secret", "-accept-iotdata")
	for _, c := range []aws.Credentials{{AccessKeyID: testKeyID, SecretAccessKey: testSecret}, {AccessKeyID: "AKIDOTHER", SecretAccessKey: "other:secret"}} {
		for _, service := range []string{"iotdevicegateway", "iotdata"} {
			if head, _ := exchange(t, g.host, upgradeRequest(g.host, signedBy(t, g, service, c))); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
				t.Errorf("%s for %s: %q", c.AccessKeyID, service, head)
			}
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const clientPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":[
	"arn:aws:iot:eu-west-1:123456789012:client/page-*","arn:aws:iot:eu-west-1:123456789012:topic/${iot:ClientId}/*"]}]}`

func TestPolicyAndAuthorizerOverMQTT(t *testing.T) {
	rules := `{"authorizers":[{"name":"users","signingDisabled":true,"logins":[{"username":"user","password":"pass+word"}],
		"principalId":"user1","policyDocuments":[` + clientPolicy + `],"disconnectAfterInSeconds":300}]}`
	g := start(t, "-policy", write(t, "policy.json", clientPolicy), "-authorizers", write(t, "authorizers.json", rules))
	code := func(conn net.Conn, packet *paho.Connect) byte {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		connack, err := paho.NewClient(paho.ClientConfig{Conn: packets.NewThreadSafeConn(conn)}).Connect(ctx, packet)
		if connack == nil {
			t.Fatal(err)
		}
		return connack.ReasonCode
	}
	unsigned := func() net.Conn {
		t.Helper()
		ws, _, err := websocket.Dial(t.Context(), "ws://"+g.host+"/mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ws.CloseNow() })
		return websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
	}
	login := func(id, username, password string) *paho.Connect {
		return &paho.Connect{ClientID: id, KeepAlive: 30, CleanStart: true, UsernameFlag: true, Username: username, PasswordFlag: true, Password: []byte(password)}
	}
	const named = "user?x-amz-customauthorizer-name=users"
	for name, test := range map[string]struct {
		conn   net.Conn
		packet *paho.Connect
		want   byte
	}{
		"signed, allowed":            {g.dial(t), &paho.Connect{ClientID: "page-1", KeepAlive: 30, CleanStart: true}, 0},
		"signed, not allowed":        {g.dial(t), &paho.Connect{ClientID: "other", KeepAlive: 30, CleanStart: true}, 0x87},
		"by CONNECT, allowed":        {unsigned(), login("page-2", named, "pass+word"), 0},
		"by CONNECT, not allowed":    {unsigned(), login("other2", named, "pass+word"), 0x87},
		"by CONNECT, wrong password": {unsigned(), login("page-3", named, "wrong-pass"), 0x87},
		"by CONNECT, no authorizer":  {unsigned(), login("page-4", "user", "pass+word"), 0x87},
	} {
		if got := code(test.conn, test.packet); got != test.want {
			t.Errorf("%s: %#x", name, got)
		}
	}
	for _, secret := range []string{"pass+word", "wrong-pass"} {
		if strings.Contains(g.log.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

func TestTLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	g := start(t, "-tls-dir", dir)
	authority, err := os.ReadFile(filepath.Join(dir, "authority.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("no certificate to trust")
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}}
	t.Cleanup(client.CloseIdleConnections)
	response, err := client.Get("https://" + g.host + "/gateway.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, _ := io.ReadAll(response.Body); response.ProtoMajor != 1 || !strings.Contains(string(body), `"endpoint":"wss://`+g.host) {
		t.Errorf("%s %s", response.Proto, body)
	}
	ws, _, err := websocket.Dial(t.Context(), strings.Replace(g.url(t, testSecret), "ws://", "wss://", 1), &websocket.DialOptions{Subprotocols: []string{"mqtt"}, HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	connect(t, websocket.NetConn(context.Background(), ws, websocket.MessageBinary), &paho.Connect{ClientID: "tls", KeepAlive: 30, CleanStart: true})
}

func TestBadHandshakeFlagsAreRefused(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{[]string{"-access-key", "AKIDOTHER"}, []string{"-access-key", "want id:secret"}},
		{[]string{"-access-key", "AKIDLOCALGATEWAY:topsecret"}, []string{"AKIDLOCALGATEWAY is given twice"}},
		{[]string{"-credentials-duration", "0s"}, []string{"-credentials-duration", "want 1s to 12h0m0s"}},
		{[]string{"-credentials-duration", "13h"}, []string{"-credentials-duration", "want 1s to 12h0m0s"}},
		{[]string{"-account", "12"}, []string{"-account", "want 12 digits"}},
		{[]string{"-policy", write(t, "p.json", "{}")}, []string{"-policy", "Version: is missing"}},
		{[]string{"-policy", filepath.Join(t.TempDir(), "none")}, []string{"-policy"}},
		{[]string{"-authorizers", write(t, "a.json", `{"authorizers":[{"name":"topsecret!"}]}`)}, []string{"-authorizers", "authorizers[0].name"}},
		{[]string{"-tls-cert", "a.pem"}, []string{"-tls-cert and -tls-key go together"}},
		{[]string{"-tls-cert", "a.pem", "-tls-key", "b.pem", "-tls-dir", "c"}, []string{"-tls-dir"}},
		{[]string{"-tls-cert", write(t, "c.pem", "topsecret"), "-tls-key", write(t, "k.pem", "topsecret")}, []string{"-tls-cert"}},
	} {
		err := run(t.Context(), append([]string{"-addr", "127.0.0.1:0"}, test.args...), io.Discard, io.Discard)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "topsecret") {
				t.Errorf("%q: %v, want %q", test.args, err, want)
			}
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
