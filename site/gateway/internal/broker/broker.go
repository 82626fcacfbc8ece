// Package broker owns MQTT: sessions, subscriptions and routing by mochi-mqtt, what
// mochi leaves out of AWS IoT Core's behaviour, and the wiring of the Device Shadow
// service to its topics. It imports mochi-mqtt and shadow. Serve is called from one
// goroutine per connection, Close from any; mochi calls the hooks from the goroutine
// of the connection concerned.
package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"iotwasm/site/gateway/internal/shadow"
)

const (
	listenerID = "mqtt"
	// connectTimeout is how long a connection may take to send its CONNECT.
	connectTimeout = 10 * time.Second
	// never is longer than any gateway runs, in seconds.
	never = 10 * 365 * 24 * 60 * 60

	// What AWS IoT Core puts into CONNACK ("MQTT 5 supported features" and the quotas
	// of the AWS IoT developer guide).
	receiveMaximum    = 100
	topicAliasMaximum = 8
	maximumPacketSize = 128 << 10
	sessionExpiry     = 60 * 60
	messageExpiry     = 7 * 24 * 60 * 60

	// queueLength is how many messages may wait for a client before mochi drops; a page
	// that publishes to itself in one turn gets all of them back.
	queueLength = 1 << 17
	readBuffer  = 16 << 10
)

// Conn is a client's connection. LastWords is called before a final packet is
// written: writes which wait for a slow peer must then end.
type Conn interface {
	net.Conn
	LastWords()
}

// Broker is an MQTT broker with a Device Shadow service.
type Broker struct {
	server *mqtt.Server
	log    *slog.Logger
	now    func() time.Time

	shadowMu sync.Mutex // held from a request to the last of its answers: they leave in order
	shadows  *shadow.Service

	mu      sync.Mutex
	links   map[*link]struct{}
	closed  bool
	serving sync.WaitGroup // mochi's own must not be added to while it closes
}

// New starts a broker. It logs to log and takes the time of shadows from now; fault is
// the shadow service's.
func New(log *slog.Logger, now func() time.Time, fault shadow.CreationFault) (*Broker, error) {
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumQos = 1
	capabilities.ReceiveMaximum = receiveMaximum
	capabilities.TopicAliasMaximum = topicAliasMaximum
	capabilities.MaximumPacketSize = maximumPacketSize
	capabilities.MaximumSessionExpiryInterval = sessionExpiry
	capabilities.MaximumMessageExpiryInterval = messageExpiry
	capabilities.MaximumClientWritesPending = queueLength
	capabilities.MaximumInflight = math.MaxUint16
	capabilities.SubIDAvailable = 0
	// PUBACK must not carry the publisher's properties back: paho rejects some of them.
	capabilities.Compatibilities.NoInheritedPropertiesOnAck = true

	b := &Broker{
		log: log, now: now,
		shadows: shadow.NewService(shadow.DefaultLimits(), fault),
		links:   map[*link]struct{}{},
	}
	b.server = mqtt.New(&mqtt.Options{
		Capabilities:            capabilities,
		ClientNetReadBufferSize: readBuffer,
		// mochi's own coalescing could hold packets back while the sender waits for
		// acknowledgements; the connection coalesces instead.
		ClientNetWriteBufferSize: 1,
		SysTopicResendInterval:   never,
		InlineClient:             true,
		// mochi logs whole packets, payloads and passwords included.
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err := b.server.AddHook(&hook{broker: b}, nil); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	if err := b.server.Serve(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	// mochi retains its counters on $SYS at the start; AWS IoT has no such topics.
	for _, packet := range b.server.Topics.Retained.GetAll() {
		packet.Payload = nil
		b.server.Topics.RetainMessage(packet)
	}
	return b, nil
}

// Serve speaks MQTT on conn until it ends. A panic in mochi ends this connection only.
func (b *Broker) Serve(_ context.Context, conn Conn) (err error) {
	l := &link{Conn: conn, done: make(chan struct{})}
	if !b.add(l) {
		return fmt.Errorf("broker: %w", net.ErrClosed)
	}
	defer b.remove(l)
	defer func() {
		if cause := recover(); cause != nil {
			_ = l.Close()
			b.forget(l)
			// Not the cause's text: it could quote the packet.
			err = fmt.Errorf("broker: panic (%T) on a malformed packet", cause)
		}
	}()
	if err := conn.SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	if err := b.server.EstablishConnection(listenerID, l); err != nil {
		return fmt.Errorf("broker: %w", err)
	}
	return nil
}

// Close disconnects every client with "server shutting down" and stops the broker.
func (b *Broker) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	links := make([]*link, 0, len(b.links))
	for l := range b.links {
		links = append(links, l)
	}
	b.mu.Unlock()

	var all sync.WaitGroup
	for _, l := range links {
		all.Go(func() {
			if client := l.client.Load(); client != nil && !client.Closed() {
				// It reports the code it was given as its error.
				_ = b.server.DisconnectClient(client, packets.ErrServerShuttingDown)
			}
			_ = l.Close()
		})
	}
	all.Wait()
	b.serving.Wait()
	if err := b.server.Close(); err != nil {
		return fmt.Errorf("stop broker: %w", err)
	}
	return nil
}

func (b *Broker) add(l *link) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.links[l] = struct{}{}
		b.serving.Add(1)
	}
	return !b.closed
}

func (b *Broker) remove(l *link) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.links, l)
	b.serving.Done()
}

// forget takes a client out of mochi's tables, which a panic leaves it in.
func (b *Broker) forget(l *link) {
	client := l.client.Load()
	if client == nil {
		return
	}
	if current, ok := b.server.Clients.Get(client.ID); !ok || current != client {
		return // taken over
	}
	client.ClearInflights()
	b.server.UnsubscribeClient(client)
	b.server.Clients.Delete(client.ID)
}

// answer carries out a shadow request and publishes what the service says.
func (b *Broker) answer(topic string, payload []byte) {
	b.shadowMu.Lock()
	defer b.shadowMu.Unlock()
	for _, message := range b.shadows.Handle(topic, payload, b.now()) {
		if err := b.server.Publish(message.Topic, message.Payload, false, 1); err != nil {
			b.log.Error("publish of a shadow answer failed", "reason", err.Error())
		}
	}
}
