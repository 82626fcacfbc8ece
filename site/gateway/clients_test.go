package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/eclipse/paho.golang/paho"
)

// dialer opens the gateway's WebSocket, signed by the AWS SDK, over http or over https
// with the gateway's own authority.
type dialer struct {
	*gateway
	client *http.Client // nil: ws
}

func startFor(t *testing.T, scheme string, args ...string) *dialer {
	t.Helper()
	if scheme == "ws" {
		return &dialer{start(t, args...), nil}
	}
	dir := filepath.Join(t.TempDir(), "tls")
	g := start(t, append(args, "-tls-dir", dir)...)
	authority, err := os.ReadFile(filepath.Join(dir, "authority.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		t.Fatal("no certificate to trust")
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(client.CloseIdleConnections)
	return &dialer{g, client}
}

func (d *dialer) open(t *testing.T) net.Conn {
	t.Helper()
	address, options := d.url(t, testSecret), &websocket.DialOptions{Subprotocols: []string{"mqtt"}}
	if d.client != nil {
		address = strings.Replace(address, "ws://", "wss://", 1)
		options.HTTPClient = d.client
	}
	ws, _, err := websocket.Dial(t.Context(), address, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
}

func TestPahoOverSignedWebSockets(t *testing.T) {
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			d := startFor(t, scheme)
			watcher, _ := connect(t, d.open(t), &paho.Connect{ClientID: "watcher", KeepAlive: 30, CleanStart: true})
			watcher.subscribe(t, 1, "device/#")
			expect := func(c *client, topic, part string, qos byte) {
				t.Helper()
				if got := c.next(t); got.Topic != topic || !strings.Contains(string(got.Payload), part) || got.QoS != qos {
					t.Fatalf("got %s %s QoS %d, want %s %s QoS %d", got.Topic, got.Payload, got.QoS, topic, part, qos)
				}
			}

			hour := uint32(3600)
			wire := d.open(t)
			device, connack := connect(t, wire, &paho.Connect{
				ClientID: "device", KeepAlive: 30, CleanStart: true, Properties: &paho.ConnectProperties{SessionExpiryInterval: &hour},
				WillMessage: &paho.WillMessage{Topic: "device/gone", QoS: 1, Payload: []byte("the will")},
			})
			if connack.SessionPresent {
				t.Error("a session before the first connection")
			}
			for qos := range byte(2) {
				device.publish(t, qos, "device/data", fmt.Sprint("at QoS ", qos))
				expect(watcher, "device/data", fmt.Sprint("at QoS ", qos), qos)
			}
			const shadow = "$aws/things/lamp/shadow/update"
			device.subscribe(t, 1, "to/device")
			device.subscribe(t, 0, shadow+"/accepted") // or it may come again after the cut
			device.publish(t, 1, shadow, `{"state":{"reported":{"on":true}}}`)
			expect(device, shadow+"/accepted", `"version":1`, 0)

			_ = wire.Close()
			expect(watcher, "device/gone", "the will", 1)
			watcher.publish(t, 1, "to/device", "while away")
			again, connack := connect(t, d.open(t), &paho.Connect{ClientID: "device", KeepAlive: 30, Properties: &paho.ConnectProperties{SessionExpiryInterval: &hour}})
			if !connack.SessionPresent {
				t.Error("the session is gone")
			}
			expect(again, "to/device", "while away", 1)
			again.publish(t, 1, shadow, `{"state":{"reported":{"on":false}}}`)
			expect(again, shadow+"/accepted", `"version":2`, 0)
		})
	}
}

// freeAddr is an address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// mosquitto runs one of mosquitto's clients against a plain listener.
type mosquitto struct {
	*gateway
	port string
}

func startMosquitto(t *testing.T, args ...string) mosquitto {
	t.Helper()
	for _, name := range []string{"mosquitto_pub", "mosquitto_sub"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing: install the package mosquitto-clients, or run .ci/install-browsers-and-broker", name)
		}
	}
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	return mosquitto{start(t, append(args, "-mqtt-addr", addr)...), port}
}

func (m mosquitto) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), name, append([]string{"-h", "127.0.0.1", "-p", m.port}, args...)...)
}

func (m mosquitto) publish(t *testing.T, args ...string) {
	t.Helper()
	if out, err := m.command(t, "mosquitto_pub", args...).CombinedOutput(); err != nil {
		t.Fatalf("mosquitto_pub %q: %v: %s", args, err, out)
	}
}

// subscriber is a mosquitto_sub that prints topic, payload, QoS and RETAIN.
type subscriber struct {
	command   *exec.Cmd
	out, said bytes.Buffer
}

// subscribe returns when the gateway granted what id asks for.
func (m mosquitto) subscribe(t *testing.T, id string, args ...string) *subscriber {
	t.Helper()
	s := &subscriber{command: m.command(t, "mosquitto_sub", append([]string{"-i", id, "-W", "20", "-F", "%t %p %q %r"}, args...)...)}
	s.command.Stdout, s.command.Stderr = &s.out, &s.said
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	granted := fmt.Sprintf(`"clientId":%q,"direction":"sent","type":"SUBACK"`, id)
	for end := time.Now().Add(patience); !strings.Contains(m.state(t), granted); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("mosquitto_sub %q does not subscribe: %s", args, m.log)
		}
	}
	return s
}

// lines waits until the subscriber has got the messages which it was started for.
func (s *subscriber) lines(t *testing.T) string {
	t.Helper()
	if err := s.command.Wait(); err != nil {
		t.Fatalf("%q: %v: %s %s", s.command.Args, err, s.out.String(), s.said.String())
	}
	return s.out.String()
}

// state is what the gateway shows of itself.
func (g *gateway) state(t *testing.T) string {
	t.Helper()
	response, err := http.Get("http://" + g.host + "/_gateway/state.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("state: %s %v", response.Status, err)
	}
	return string(body)
}

func TestMosquittoOverThePlainListener(t *testing.T) {
	m := startMosquitto(t, "-profile", "generic")
	for _, version := range []string{"5", "311"} {
		t.Run("MQTT "+version, func(t *testing.T) {
			expect := func(subscriber *subscriber, want string) {
				t.Helper()
				if got := subscriber.lines(t); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
			}
			every := m.subscribe(t, "every"+version, "-V", version, "-t", "q/#", "-q", "2", "-C", "3")
			for _, qos := range []string{"0", "1", "2"} {
				m.publish(t, "-V", version, "-t", "q/"+qos, "-m", "hello", "-q", qos)
			}
			expect(every, "q/0 hello 0 0\nq/1 hello 1 0\nq/2 hello 2 0\n")

			topic := "kept/" + version
			m.publish(t, "-V", version, "-t", topic, "-m", "last", "-q", "1", "-r")
			expect(m.subscribe(t, "late"+version, "-V", version, "-t", topic, "-q", "1", "-C", "1"), topic+" last 1 1\n")

			topic = "gone/" + version
			heir := m.subscribe(t, "heir"+version, "-V", version, "-t", topic, "-q", "1", "-C", "1")
			lost := m.subscribe(t, "lost"+version, "-V", version, "-t", "nothing", "--will-topic", topic, "--will-payload", "farewell", "--will-qos", "1")
			if err := lost.command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = lost.command.Wait() // it was killed
			expect(heir, topic+" farewell 1 0\n")
		})
	}
}

func TestFaultsStrikeThePlainListener(t *testing.T) {
	m := startMosquitto(t, "-profile", "generic", "-fault", `{"fault":"connack","action":"refuse","reasonCode":151,"times":1}`)
	if out, err := m.command(t, "mosquitto_pub", "-V", "5", "-t", "t", "-m", "hello").CombinedOutput(); err == nil {
		t.Errorf("was let in: %s", out)
	}
	m.publish(t, "-V", "5", "-t", "t", "-m", "hello", "-q", "1")
}

func TestMosquittoWithAuthorizers(t *testing.T) {
	file := write(t, "a.json", `{"defaultAuthorizer":"users","authorizers":[{"name":"users","signingDisabled":true,
		"logins":[{"username":"ann","password":"topsecret"}],"principalId":"ann","policyDocuments":[{"Version":"2012-10-17",
		"Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}]}]}`)
	m := startMosquitto(t, "-authorizers", file)
	m.publish(t, "-V", "5", "-u", "ann", "-P", "topsecret", "-t", "t", "-m", "hello", "-q", "1")
	for _, who := range [][]string{{"-u", "ann", "-P", "wrong-pass"}, {"-u", "bob", "-P", "topsecret"}, {}} {
		if out, err := m.command(t, "mosquitto_pub", append(who, "-V", "5", "-t", "t", "-m", "hello")...).CombinedOutput(); err == nil {
			t.Errorf("%q was let in: %s", who, out)
		}
	}
	for _, secret := range []string{"topsecret", "wrong-pass"} {
		if strings.Contains(m.log.String(), secret) || strings.Contains(m.state(t), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
}

// Clients that sign put metrics of their SDK into the user name, or whatever they like
// (1.14 of aws-iot.md).
func TestUserNamesOfSigningClients(t *testing.T) {
	g := start(t)
	for _, test := range []struct {
		name     string
		level    byte
		username string
		connack  string // how it begins
	}{
		{"1.14 metrics, MQTT 5", 5, "?SDK=AWSIoTDeviceSDKJS&Version=1.0", "\x20"},
		{"1.14 metrics, MQTT 3.1.1", 4, "?SDK=AWSIoTDeviceSDKJS&Version=1.0", "\x20\x02\x00\x00"},
		{"1.14 any user name, MQTT 5", 5, "user?x=%zz", "\x20"},
		{"1.14 any user name, MQTT 3.1.1", 4, "user?x=%zz", "\x20\x02\x00\x00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := "\x00\x04MQTT" + string(rune(test.level)) + "\x82\x00\x3c" // clean start, user name, a minute
			if test.level == 5 {
				body += "\x00"
			}
			body += "\x00\x01c\x00" + string(rune(len(test.username))) + test.username
			conn := g.dial(t)
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(conn, "\x10"+string(rune(len(body)))+body); err != nil {
				t.Fatal(err)
			}
			answer := make([]byte, 5)
			n, err := io.ReadAtLeast(conn, answer, 4)
			if err != nil || !strings.HasPrefix(string(answer[:n]), test.connack) {
				t.Fatalf("%q, %v", answer[:n], err)
			}
			if test.level == 5 && answer[1] < 0x80 && (answer[2] != 0 || answer[3] != 0) {
				t.Errorf("CONNACK %q", answer[:n])
			}
		})
	}
}

// What is wrong with a key is said without it, by the flags too.
func TestBadAccessKeysAreNotShown(t *testing.T) {
	for _, key := range []string{"topsecret", ":topsecret"} {
		var said strings.Builder
		err := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-access-key", key}, &said, &said)
		if err == nil || strings.Contains(err.Error()+said.String(), "topsecret") {
			t.Errorf("%v %s", err, said.String())
		}
	}
}

func TestBadPlainListenersAreRefused(t *testing.T) {
	for _, test := range []struct{ args, want []string }{
		{[]string{"-mqtt-addr", "127.0.0.1:0"}, []string{"-mqtt-addr: ", "-profile generic", "-authorizers"}},
		{[]string{"-mqtt-addr", ":0", "-profile", "generic"}, []string{"-mqtt-addr :0: ", "loopback only"}},
		{[]string{"-mqtt-addr", "192.0.2.1:0", "-profile", "generic"}, []string{"-mqtt-addr 192.0.2.1:0: ", "loopback only"}},
		{[]string{"-mqtt-addr", "127.0.0.1", "-profile", "generic"}, []string{"-mqtt-addr: "}},
	} {
		err := run(t.Context(), append([]string{"-addr", "127.0.0.1:0"}, test.args...), io.Discard, io.Discard)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v, want %q", test.args, err, want)
			}
		}
	}
}

// What comes to the plain port from a page is HTTP.
func TestThePlainListenerHasNoUseForHTTP(t *testing.T) {
	addr := freeAddr(t)
	start(t, "-profile", "generic", "-mqtt-addr", addr)
	client := &http.Client{Timeout: patience}
	if response, err := client.Post("http://"+addr, "text/plain", strings.NewReader("x")); err == nil {
		_ = response.Body.Close()
		t.Errorf("answered %s", response.Status)
	}
}

func TestSeeingIn(t *testing.T) {
	g := start(t)
	c, _ := connect(t, g.dial(t), &paho.Connect{
		ClientID: "seen", KeepAlive: 60, CleanStart: true, Username: "secretuser", UsernameFlag: true, Password: []byte("secretpassword"), PasswordFlag: true,
		WillMessage: &paho.WillMessage{Topic: "w", Payload: []byte("secretwill")},
	})
	c.subscribe(t, 1, "seen/#", "$aws/things/lamp/shadow/name/n/update/accepted")
	c.publish(t, 1, "seen/topic", "secretpayload")
	c.publish(t, 1, "$aws/things/lamp/shadow/name/n/update", `{"state":{"reported":{"k":"secretpayload"}}}`)
	c.next(t)
	c.next(t)
	state := g.state(t)
	for _, want := range []string{
		`"clientId":"seen","protocolVersion":"5","principalId":"AKIDTEST"`, `"keepAliveSeconds":60`,
		`{"clientId":"seen","filter":"seen/#","qos":1}`, `{"thing":"lamp","name":"n","version":1,`,
		`"direction":"received","type":"CONNECT","size":`, `"direction":"sent","type":"CONNACK",`, `"type":"PUBLISH","topics":["seen/topic"],`,
		`"direction":"sent","type":"SUBACK",`, `"reasonCodes":[1,1]`, `"publishesReceived":2,"publishesSent":2,"retained":0`,
	} {
		if !strings.Contains(state, want) {
			t.Errorf("no %s in %s", want, state)
		}
	}
	for _, secret := range []string{"secret", "X-Amz"} {
		if strings.Contains(state, secret) {
			t.Errorf("%s in %s", secret, state)
		}
	}

	for name, test := range map[string]struct {
		request string
		status  string
		parts   []string
	}{
		"page":           {"GET /_gateway/ HTTP/1.1\r\nHost: " + g.host, "200", []string{"Content-Security-Policy: default-src 'none'", "text/html"}},
		"state":          {"GET /_gateway/state.json HTTP/1.1\r\nHost: " + g.host, "200", []string{"Cache-Control: no-store", "application/json"}},
		"head":           {"HEAD /_gateway/state.json HTTP/1.1\r\nHost: " + g.host, "200", nil},
		"nothing":        {"GET /_gateway/other HTTP/1.1\r\nHost: " + g.host, "404", nil},
		"post":           {"POST /_gateway/state.json HTTP/1.1\r\nContent-Length: 0\r\nHost: " + g.host, "405", nil},
		"foreign host":   {"GET /_gateway/state.json HTTP/1.1\r\nHost: evil.example", "421", nil},
		"foreign origin": {"GET /_gateway/state.json HTTP/1.1\r\nOrigin: http://evil.example\r\nHost: " + g.host, "403", nil},
		"foreign page":   {"GET /_gateway/page.js HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\nHost: " + g.host, "403", nil},
	} {
		t.Run(name, func(t *testing.T) {
			head, _ := exchange(t, g.host, test.request+"\r\nConnection: close\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 "+test.status) {
				t.Errorf("got %s", head)
			}
			for _, part := range test.parts {
				if !strings.Contains(head, part) {
					t.Errorf("no %s in %s", part, head)
				}
			}
		})
	}
}
