package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/coder/websocket"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"iotwasm/site/gateway/internal/logtest"
)

const (
	testKeyID  = "AKIDTEST"
	testSecret = "testsecret/+="
	testRegion = "eu-west-1"
	patience   = 20 * time.Second
)

// gateway is a running one.
type gateway struct {
	host string
	stop func() // and wait until it ended
	log  *logtest.Buffer
}

// start runs the gateway on a free port over a small site of its own, with args besides.
func start(t *testing.T, args ...string) *gateway {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"site/index.html": "<!doctype html>home", "pkg/index.js": "export {}"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	g := &gateway{log: &logtest.Buffer{}}
	go func() {
		err := run(ctx, append([]string{
			"-addr", "127.0.0.1:0", "-region", testRegion, "-access-key-id", testKeyID, "-secret-access-key", testSecret,
			"-site", filepath.Join(dir, "site"), "-pkg", filepath.Join(dir, "pkg"),
		}, args...), writer, g.log)
		_ = writer.CloseWithError(io.EOF)
		ended <- err
	}()
	lines := bufio.NewScanner(reader)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "endpoint    ws"); ok { // or wss
			_, g.host, _ = strings.Cut(rest, "://")
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	if g.host == "" {
		t.Fatalf("the gateway printed no endpoint: %v", <-ended)
	}
	g.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("gateway: %v", err)
			}
		case <-time.After(patience):
			t.Error("the gateway does not end")
		}
	})
	t.Cleanup(g.stop)
	return g
}

// url returns a URL signed now by the AWS SDK.
func (g *gateway) url(t *testing.T, secret string) string {
	t.Helper()
	signer := v4.NewSigner()
	signed, _, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: testKeyID, SecretAccessKey: secret},
		&http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "ws", Host: g.host, Path: "/mqtt"}},
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "iotdevicegateway", testRegion, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// dial opens a WebSocket as a net.Conn.
func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	ws, response, err := websocket.Dial(t.Context(), g.url(t, testSecret), &websocket.DialOptions{Subprotocols: []string{"mqtt"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "mqtt" {
		t.Errorf("subprotocol %q", got)
	}
	conn := websocket.NetConn(context.Background(), ws, websocket.MessageBinary)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return conn
}

// client is a connected paho client and what reaches it.
type client struct {
	*paho.Client
	messages   chan *paho.Publish
	disconnect chan *paho.Disconnect
	failed     chan error
}

func (g *gateway) connect(t *testing.T, id string) (*client, *paho.Connack) {
	t.Helper()
	return connect(t, g.dial(t), &paho.Connect{ClientID: id, KeepAlive: 30, CleanStart: true})
}

func connect(t *testing.T, conn net.Conn, packet *paho.Connect) (*client, *paho.Connack) {
	t.Helper()
	c := &client{
		messages: make(chan *paho.Publish, 1<<17), disconnect: make(chan *paho.Disconnect, 1), failed: make(chan error, 2),
	}
	c.Client = paho.NewClient(paho.ClientConfig{
		Conn: packets.NewThreadSafeConn(conn), // acknowledgements are written beside other packets
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			c.messages <- r.Packet
			return true, nil
		}},
		OnServerDisconnect: func(d *paho.Disconnect) { c.disconnect <- d },
		OnClientError:      func(err error) { c.failed <- err },
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	connack, err := c.Connect(ctx, packet)
	if err != nil {
		t.Fatal(err)
	}
	return c, connack
}

func (c *client) subscribe(t *testing.T, qos byte, filters ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	packet := &paho.Subscribe{}
	for _, filter := range filters {
		packet.Subscriptions = append(packet.Subscriptions, paho.SubscribeOptions{Topic: filter, QoS: qos})
	}
	if _, err := c.Subscribe(ctx, packet); err != nil {
		t.Fatal(err)
	}
}

func (c *client) publish(t *testing.T, qos byte, topic, payload string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.Publish(ctx, &paho.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)}); err != nil {
		t.Fatal(err)
	}
}

func (c *client) next(t *testing.T) *paho.Publish {
	t.Helper()
	return receive(t, c.messages)
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
