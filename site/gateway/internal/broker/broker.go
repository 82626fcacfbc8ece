// Package broker owns MQTT as AWS IoT Core speaks it: which packets are let in, who
// gets a message and when, sessions, limits and lifecycle events. It imports nothing of
// the gateway, but mochi-mqtt, which decodes packets, answers them, keeps the table of
// clients and finds the subscriptions that match a topic. What AWS does otherwise, and
// what mochi cannot be trusted with, is done here:
//
//	a packet      link and frame, then connect or inbound, which pass it on to mochi,
//	              answer it, or end the connection
//	a message     hook, route, session, sender
//	beside them   retained, will, lifecycle
//	the rules     profile, principal, topic, ratelimit, ending
//	seeing in     record, snapshot
//
// Serve is called from one goroutine per connection, which all of mochi's hooks run
// on as well; each connection has one more, that sends messages, and timers. Publish,
// Disconnect, Snapshot and Close are called from any goroutine.
package broker

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"strings"
	"sync"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
)

const (
	listenerID = "mqtt"
	// noSysTopics is longer than any gateway runs, in seconds.
	noSysTopics = 10 * 365 * 24 * 60 * 60
	// manyClients is how many client identifiers are remembered beyond their sessions.
	manyClients = 1 << 16
)

// Options are what a broker is told of the rest of the gateway.
type Options struct {
	Profile Profile
	// Reserved reports topics to which only the gateway publishes; nil is none. Those
	// of lifecycle events are reserved besides.
	Reserved func(topic string) bool
	// Published hears of every message that a client published, after it was routed,
	// on the goroutine of its connection. It may be nil.
	Published func(topic string, payload []byte)
}

// Broker is an MQTT broker.
type Broker struct {
	server   *mqtt.Server
	log      *slog.Logger
	options  Options
	profile  Profile
	retained retained
	recorder recorder

	mu       sync.RWMutex
	links    map[*link]struct{}
	byID     map[string]*link // the latest with a client identifier, until it is done
	sessions map[string]*session
	connects map[string]int64   // of a client identifier, so far, for lifecycle events
	pace     map[string]*bucket // of a client identifier's CONNECTs
	closed   bool
	serving  sync.WaitGroup // mochi's own must not be added to while it closes
}

// New starts a broker that logs to log: neither payloads nor user names.
func New(log *slog.Logger, options Options) (*Broker, error) {
	if err := options.Profile.check(); err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	capabilities := mqtt.NewDefaultServerCapabilities()
	capabilities.MaximumQos = options.Profile.MaximumQoS
	capabilities.ReceiveMaximum = options.Profile.ReceiveMaximum
	capabilities.TopicAliasMaximum = options.Profile.TopicAliasMaximum
	capabilities.MaximumPacketSize = 0 // the link's
	capabilities.MaximumMessageExpiryInterval = 0
	capabilities.MaximumClientWritesPending = 1 // unused
	capabilities.MaximumInflight = math.MaxUint16
	capabilities.MinimumProtocolVersion = 4
	// PUBACK must not carry the publisher's properties back: paho rejects some of them.
	capabilities.Compatibilities.NoInheritedPropertiesOnAck = true

	b := &Broker{
		log: log, options: options, profile: options.Profile,
		links: map[*link]struct{}{}, byID: map[string]*link{}, sessions: map[string]*session{},
		connects: map[string]int64{}, pace: map[string]*bucket{},
	}
	b.retained = retained{profile: &b.profile, messages: map[string]*message{}}
	b.server = mqtt.New(&mqtt.Options{
		Capabilities:            capabilities,
		ClientNetReadBufferSize: 2 << 10, // the link has a buffer
		// mochi's own coalescing could hold packets back while the sender waits for
		// acknowledgements; the connection coalesces instead.
		ClientNetWriteBufferSize: 1,
		SysTopicResendInterval:   noSysTopics,
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

// Serve speaks MQTT with principal on conn until that ends; the context does not end
// it, Disconnect and Close do. Its error says why nothing came of the connection. A
// panic in mochi ends this connection only.
func (b *Broker) Serve(_ context.Context, conn Conn, principal Principal) (err error) {
	l := newLink(b, conn, &principal)
	if !b.add(l) {
		return fmt.Errorf("broker: %w", net.ErrClosed)
	}
	defer b.serving.Done()
	defer b.finish(l)
	defer func() {
		if cause := recover(); cause != nil {
			l.close(endPanic)
			// Not the cause's text: it could quote the packet.
			err = fmt.Errorf("broker: panic (%T)", cause)
		}
	}()
	silent := time.AfterFunc(connectTimeout, func() {
		if !l.connected.Load() {
			l.close(endNoConnect)
		}
	})
	defer silent.Stop()
	_ = b.server.EstablishConnection(listenerID, l) // the link knows better what it was
	l.close(endLost)
	if !l.connected.Load() {
		return fmt.Errorf("broker: %w", l.end)
	}
	return nil
}

// claim makes l the connection of its client identifier, when the one before it has
// ended, and finds its session. It returns before mochi sees the CONNECT: mochi's own
// way of taking a session over would lose messages.
func (b *Broker) claim(l *link, clean bool) {
	b.mu.Lock()
	before := b.byID[l.clientID]
	b.byID[l.clientID] = l
	b.mu.Unlock()
	if before != nil {
		before.close(endDuplicate)
		// Even if l has ended meanwhile: who comes next waits for l only.
		<-before.done
	}

	b.mu.Lock()
	var due *pendingWill
	s := b.sessions[l.clientID]
	if s != nil {
		if s.expiry != nil {
			s.expiry.Stop()
		}
		due, s.will = s.will, nil
		if due != nil {
			due.timer.Stop()
		}
		if clean || s.version < 5 && l.version >= 5 && !b.profile.SessionAcrossVersions {
			s = nil
		} else {
			due = nil // the session goes on [MQTT-3.1.3-9]
		}
	}
	if s == nil {
		b.forget(l.clientID)
		s = newSession(l.clientID, l.version, &b.profile)
		b.sessions[l.clientID] = s
	}
	l.session = s
	if b.profile.Lifecycle {
		if len(b.connects) >= manyClients {
			clear(b.connects)
		}
		l.connects = b.connects[l.clientID]
		b.connects[l.clientID]++
	}
	b.mu.Unlock()
	if due != nil {
		due.send()
	}
}

// establish is called when CONNACK was sent.
func (b *Broker) establish(l *link) {
	now := time.Now()
	l.session.version = l.version
	l.since = now
	l.connected.Store(true)
	l.start(now)
	l.session.attach(l)
	go newSender(l.session, l, now).run()
	b.log.Info("client connected", "client", l.clientID, "protocol", l.version, "remote", l.RemoteAddr().String())
	b.tellConnected(l)
}

// finish tidies up after a connection, whatever became of it.
func (b *Broker) finish(l *link) {
	defer close(l.done)
	for _, timer := range l.deadlines {
		timer.Stop()
	}
	s := l.session
	if s == nil {
		b.remove(l)
		return
	}
	s.detach()
	life := time.Duration(l.sessionExpiry) * time.Second
	b.mu.Lock()
	switch {
	case !l.persistent:
		delete(b.sessions, l.clientID)
		b.forget(l.clientID)
	case l.sessionExpiry != never && !b.closed:
		s.expiry = time.AfterFunc(life, func() { b.expire(s) })
	}
	b.mu.Unlock()
	if l.connected.Load() {
		b.log.Info("client gone", "client", l.clientID, "reason", l.end.text)
		b.tellDisconnected(l)
		if l.will != nil && l.end != endByClient {
			b.publishWill(l.will, l, life)
		}
	}
	b.remove(l)
}

// expire ends a session that nobody came back to.
func (b *Broker) expire(s *session) {
	b.mu.Lock()
	if b.sessions[s.clientID] != s || b.byID[s.clientID] != nil {
		b.mu.Unlock()
		return
	}
	delete(b.sessions, s.clientID)
	b.forget(s.clientID)
	due := s.will
	s.will = nil
	if due != nil {
		due.timer.Stop()
	}
	b.mu.Unlock()
	if due != nil {
		due.send()
	}
}

// forget takes a client that is not connected out of mochi's tables. b.mu is held.
func (b *Broker) forget(clientID string) {
	client, ok := b.server.Clients.Get(clientID)
	if !ok {
		return
	}
	client.ClearInflights()
	b.server.UnsubscribeClient(client)
	b.server.Clients.Delete(clientID)
}

// Disconnect ends a client's connection as AWS's DeleteConnection does. It reports
// whether there was one.
func (b *Broker) Disconnect(clientID string) bool {
	b.mu.RLock()
	l := b.byID[clientID]
	b.mu.RUnlock()
	if l == nil {
		return false
	}
	l.close(endByAPI)
	return true
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
	for _, s := range b.sessions {
		if s.expiry != nil {
			s.expiry.Stop()
		}
		if s.will != nil {
			s.will.timer.Stop()
		}
	}
	b.mu.Unlock()

	var all sync.WaitGroup
	for _, l := range links {
		all.Go(func() {
			l.close(endShutdown)
			<-l.done
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
	if b.byID[l.clientID] == l {
		delete(b.byID, l.clientID)
	}
}

func (b *Broker) session(clientID string) *session {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.sessions[clientID]
}

// mayConnect counts a CONNECT against the rate of its client identifier.
func (b *Broker) mayConnect(clientID string, now time.Time) bool {
	rate := b.profile.ConnectsPerSecond
	if rate <= 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pace) >= manyClients {
		clear(b.pace)
	}
	pace := b.pace[clientID]
	if pace == nil {
		pace = newBucket(rate, rate, now)
		b.pace[clientID] = pace
	}
	return pace.take(now)
}

// reserved reports topics to which clients may not publish.
func (b *Broker) reserved(topic string) bool {
	return b.profile.Lifecycle && strings.HasPrefix(topic, eventsPrefix) ||
		b.options.Reserved != nil && b.options.Reserved(topic)
}
