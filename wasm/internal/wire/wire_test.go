package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

var update = flag.Bool("update", false, "write the events of testdata/golden.json anew")

const goldenFile = "testdata/golden.json"

// golden holds the Go program and the page to the same bytes. What one side
// encodes the other decodes: jsglue/test/wire.spec.ts is the other half, and
// writes the commands anew where UPDATE_GOLDEN is set.
type golden struct {
	Commands []record `json:"commands"`
	Events   []record `json:"events"`
}

// record is a record's bytes and what they say, by the page's names. Bytes are
// written as {"hex": …}.
type record struct {
	Name   string          `json:"name"`
	Kind   string          `json:"kind"`
	Fields json.RawMessage `json:"fields"`
	Hex    string          `json:"hex"`
}

func readGolden(t testing.TB) golden {
	t.Helper()
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

type fields map[string]any

func hexBytes(b []byte) fields { return fields{"hex": hex.EncodeToString(b)} }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func epoch(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMicro()) / 1e3
}

// named are properties by the names of the page.
func named(p *packets.Properties) fields {
	out := fields{}
	if p == nil {
		return out
	}
	number := func(name string, v any) {
		if r := reflect.ValueOf(v); !r.IsNil() {
			out[name] = r.Elem().Interface()
		}
	}
	flag := func(name string, v *byte) {
		if v != nil {
			out[name] = *v == 1
		}
	}
	text := func(name, v string) {
		if v != "" {
			out[name] = v
		}
	}
	data := func(name string, v []byte) {
		if v != nil {
			out[name] = hexBytes(v)
		}
	}
	flag("payloadFormatIndicator", p.PayloadFormat)
	number("messageExpiryInterval", p.MessageExpiry)
	text("contentType", p.ContentType)
	text("responseTopic", p.ResponseTopic)
	data("correlationData", p.CorrelationData)
	if p.SubscriptionIdentifier != nil {
		out["subscriptionIdentifiers"] = []int{*p.SubscriptionIdentifier}
	}
	number("sessionExpiryInterval", p.SessionExpiryInterval)
	text("assignedClientIdentifier", p.AssignedClientID)
	number("serverKeepAlive", p.ServerKeepAlive)
	text("authenticationMethod", p.AuthMethod)
	data("authenticationData", p.AuthData)
	flag("requestProblemInformation", p.RequestProblemInfo)
	number("willDelayInterval", p.WillDelayInterval)
	flag("requestResponseInformation", p.RequestResponseInfo)
	text("responseInformation", p.ResponseInfo)
	text("serverReference", p.ServerReference)
	text("reasonString", p.ReasonString)
	number("receiveMaximum", p.ReceiveMaximum)
	number("topicAliasMaximum", p.TopicAliasMaximum)
	number("topicAlias", p.TopicAlias)
	number("maximumQoS", p.MaximumQOS)
	flag("retainAvailable", p.RetainAvailable)
	if len(p.User) > 0 {
		user := map[string][]string{}
		for _, u := range p.User {
			user[u.Key] = append(user[u.Key], u.Value)
		}
		all := fields{}
		for key, values := range user {
			if all[key] = values; len(values) == 1 {
				all[key] = values[0]
			}
		}
		out["userProperties"] = all
	}
	number("maximumPacketSize", p.MaximumPacketSize)
	flag("wildcardSubscriptionAvailable", p.WildcardSubAvailable)
	flag("subscriptionIdentifiersAvailable", p.SubIDAvailable)
	flag("sharedSubscriptionAvailable", p.SharedSubAvailable)
	return out
}

func namedError(e *Error) fields {
	out := fields{"code": e.Code, "message": e.Message, "field": e.Field, "hint": e.Hint, "retryable": e.Retryable}
	if e.HasReasonCode {
		out["reasonCode"] = e.ReasonCode
	}
	return out
}

func namedOutgoing(m Outgoing) fields {
	return fields{"topic": m.Topic, "payload": hexBytes(m.Payload), "qos": m.QoS, "retain": m.Retain, "properties": named(m.Properties)}
}

func namedPresign(p Presign) fields {
	return fields{"op": p.Op, "endpoint": p.Endpoint, "region": p.Region, "accessKeyId": p.AccessKeyID, "secretAccessKey": p.SecretAccessKey,
		"sessionToken": p.SessionToken, "date": epoch(p.Time), "expires": p.Expires / time.Second}
}

func namedLogin(l Login) fields {
	out := fields{"clientId": l.ClientID}
	if l.HasUsername {
		out["username"] = l.Username
	}
	if l.HasPassword {
		out["password"] = hexBytes(l.Password)
	}
	return out
}

// command is a kind of record that the page sends, and its reader.
type command struct {
	name string
	kind byte
	read func(*Reader) (fields, error)
}

var commands = []command{
	{"connect", KindConnect, func(r *Reader) (fields, error) {
		c, err := r.Connect()
		out := fields{
			"client": c.Client, "op": c.Op, "keepAlive": c.KeepAlive, "cleanStart": c.CleanStart, "connectTimeout": milliseconds(c.ConnectTimeout),
			"properties": named(c.Properties), "maxConnectionAge": milliseconds(c.Reconnect.MaxAge), "resubscribe": c.Resubscribe, "topicAliases": c.TopicAliases,
			"queue": fields{"maxMessages": c.Queue.MaxMessages, "maxBytes": c.Queue.MaxBytes, "maxAge": milliseconds(c.Queue.MaxAge), "overflow": "reject"},
			"limits": fields{"publishesPerSecond": c.Limits.PublishesPerSecond, "bytesPerSecond": c.Limits.BytesPerSecond, "inFlight": c.Limits.InFlight,
				"filtersPerSubscribe": c.Limits.FiltersPerPacket},
		}
		if c.Queue.DropOldest {
			out["queue"].(fields)["overflow"] = "drop-oldest"
		}
		for k, v := range namedLogin(c.Login) {
			out[k] = v
		}
		if b := c.Reconnect; b.OnRefusal != RefusalCloses {
			out["steady"], out["onRefusal"] = b.Steady, byte(b.OnRefusal)
		}
		if w := c.Will; w != nil {
			out["will"] = namedOutgoing(Outgoing(*w))
		}
		if b := c.Reconnect; b.Enabled {
			out["reconnect"] = fields{"minDelay": milliseconds(b.MinDelay), "maxDelay": milliseconds(b.MaxDelay), "stableAfter": milliseconds(b.StableAfter)}
		}
		return out, err
	}},
	{"target", KindTarget, func(r *Reader) (fields, error) {
		t, err := r.Target()
		out := fields{"client": t.Client, "request": t.Request, "url": t.URL, "presign": namedPresign(t.Presign), "clockOffset": milliseconds(t.ClockOffset)}
		if t.Login != nil {
			out["login"] = namedLogin(*t.Login)
		}
		return out, err
	}},
	{"targetFailed", KindTargetFailed, func(r *Reader) (fields, error) {
		t, err := r.TargetFailed()
		return fields{"client": t.Client, "request": t.Request, "error": namedError(&t.Err)}, err
	}},
	{"close", KindClose, func(r *Reader) (fields, error) {
		c, err := r.Close()
		return fields{"client": c.Client, "op": c.Op, "abrupt": c.Abrupt, "reasonCode": c.ReasonCode, "properties": named(c.Properties)}, err
	}},
	{"subscribe", KindSubscribe, func(r *Reader) (fields, error) {
		s, err := r.Subscribe()
		filters := []fields{}
		for _, f := range s.Filters {
			filters = append(filters, fields{"topic": f.Topic, "qos": f.QoS, "noLocal": f.NoLocal, "retainAsPublished": f.RetainAsPublished, "retainHandling": f.RetainHandling})
		}
		return fields{"client": s.Client, "op": s.Op, "subscription": s.Subscription, "timeout": milliseconds(s.Timeout), "manualAck": s.Manual, "packetId": s.PacketID,
			"filters": filters, "properties": named(s.Properties)}, err
	}},
	{"unsubscribe", KindUnsubscribe, func(r *Reader) (fields, error) {
		u, err := r.Unsubscribe()
		return fields{"client": u.Client, "op": u.Op, "subscription": u.Subscription, "timeout": milliseconds(u.Timeout), "packetId": u.PacketID,
			"filters": u.Filters, "properties": named(u.Properties)}, err
	}},
	{"publish", KindPublish, func(r *Reader) (fields, error) {
		p, err := r.Publish()
		return fields{"client": p.Client, "op": p.Op, "timeout": milliseconds(p.Timeout), "packetId": p.PacketID, "message": namedOutgoing(p.Outgoing)}, err
	}},
	{"abort", KindAbort, func(r *Reader) (fields, error) {
		a, err := r.Abort()
		return fields{"client": a.Client, "op": a.Op}, err
	}},
	{"delay", KindDelay, func(r *Reader) (fields, error) {
		d, err := r.Delay()
		steps := []fields{}
		for _, s := range d.Steps {
			steps = append(steps, fields{"skip": s.Skip, "plannedAt": epoch(s.Due), "spacing": milliseconds(s.Spacing), "fixed": s.Fixed, "every": milliseconds(s.Every),
				"jitter": milliseconds(s.Jitter), "asks": s.Ask, "last": s.Last, "gate": byte(s.Gate), "gateTimeout": milliseconds(s.GateTimeout), "message": namedOutgoing(s.Outgoing)})
		}
		return fields{"client": d.Client, "run": d.Run, "offline": byte(d.Offline), "onFailure": byte(d.OnFailure), "retries": d.Retries, "throttled": d.Throttled, "retryDelay": milliseconds(d.RetryDelay),
			"deadline": epoch(d.Deadline), "shadowRequestsPerSecond": d.ThingRate, "shadowInFlight": d.ThingInFlight, "steps": steps}, err
	}},
	{"control", KindControl, func(r *Reader) (fields, error) {
		c, err := r.Control()
		return fields{"run": c.Run, "step": c.Step, "verb": byte(c.Verb), "at": epoch(c.At)}, err
	}},
	{"stepPayload", KindStepPayload, func(r *Reader) (fields, error) {
		p, err := r.StepPayload()
		return fields{"run": p.Run, "step": p.Step, "payload": hexBytes(p.Payload)}, err
	}},
	{"stepAnswer", KindStepAnswer, func(r *Reader) (fields, error) {
		a, err := r.StepAnswer()
		out := fields{"run": a.Run, "step": a.Step, "at": epoch(a.At)}
		if a.Err != nil {
			out["error"] = namedError(a.Err)
		}
		return out, err
	}},
	{"presign", KindPresign, func(r *Reader) (fields, error) {
		p, err := r.Presign()
		return namedPresign(p), err
	}},
	{"acknowledge", KindAcknowledge, func(r *Reader) (fields, error) {
		a, err := r.Acknowledge()
		return fields{"client": a.Client, "token": a.Token, "reasonCode": a.ReasonCode}, err
	}},
	{"manualAcks", KindManualAcks, func(r *Reader) (fields, error) {
		m, err := r.ManualAcks()
		return fields{"client": m.Client, "on": m.On}, err
	}},
	{"wake", KindWake, func(r *Reader) (fields, error) {
		w, err := r.Wake()
		return fields{"client": w.Client, "reason": w.Reason}, err
	}},
	{"renew", KindRenew, func(r *Reader) (fields, error) {
		n, err := r.Renew()
		return fields{"client": n.Client, "op": n.Op}, err
	}},
	{"stats", KindStats, func(r *Reader) (fields, error) {
		s, err := r.StatsRequest()
		return fields{"client": s.Client, "op": s.Op}, err
	}},
	{"trace", KindTrace, func(r *Reader) (fields, error) {
		tr, err := r.Trace()
		return fields{"client": tr.Client, "detail": byte(tr.Detail)}, err
	}},
}

func commandOf(name string) (command, bool) {
	for _, c := range commands {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func TestCommands(t *testing.T) {
	seen := make(map[string]bool)
	for _, rec := range readGolden(t).Commands {
		t.Run(rec.Name, func(t *testing.T) {
			seen[rec.Kind] = true
			c, ok := commandOf(rec.Kind)
			if !ok {
				t.Fatalf("no command is called %s", rec.Kind)
			}
			batch, err := hex.DecodeString(rec.Hex)
			if err != nil {
				t.Fatal(err)
			}
			r := NewReader(batch)
			kind, body, ok := r.Next()
			if !ok || kind != c.kind {
				t.Fatalf("kind %d, want %d", kind, c.kind)
			}
			got, err := c.read(body)
			if err != nil {
				t.Fatal(err)
			}
			if body.off != len(body.buf) {
				t.Errorf("%d bytes are left", len(body.buf)-body.off)
			}
			if _, _, more := r.Next(); more || r.Err() != nil {
				t.Errorf("another record follows, or %v", r.Err())
			}
			same(t, got, rec.Fields)
			// What is cut short is refused, and never more than that.
			for n := range body.buf {
				if _, err := c.read(NewReader(body.buf[:n])); !errors.Is(err, ErrMalformed) {
					t.Fatalf("of %d bytes the first %d are read as whole: %v", len(body.buf), n, err)
				}
			}
		})
	}
	for _, c := range commands {
		if !seen[c.name] {
			t.Errorf("the golden file has no %s", c.name)
		}
	}
}

// same compares what was read with what the golden file says.
func same(t *testing.T, got fields, want json.RawMessage) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("read\n\t%s\nwant\n\t%s", text, want)
	}
}

// everyProperty has a value for each property there is.
func everyProperty() *packets.Properties {
	one, seven := byte(1), 7
	return &packets.Properties{
		PayloadFormat: &one, MessageExpiry: ref(uint32(0xfffffffe)), ContentType: "text/plain", ResponseTopic: "antwort/ü", CorrelationData: []byte{0, 255, 1},
		SubscriptionIdentifier: &seven, SessionExpiryInterval: ref(uint32(300)), AssignedClientID: "$GEN/1", ServerKeepAlive: ref(uint16(0xfffe)),
		AuthMethod: "method", AuthData: []byte{9}, RequestProblemInfo: ref(byte(0)), WillDelayInterval: ref(uint32(5)), RequestResponseInfo: &one,
		ResponseInfo: "info", ServerReference: "other.example", ReasonString: "why", ReceiveMaximum: ref(uint16(100)), TopicAliasMaximum: ref(uint16(8)),
		TopicAlias: ref(uint16(3)), MaximumQOS: ref(byte(1)), RetainAvailable: &one, MaximumPacketSize: ref(uint32(149504)), WildcardSubAvailable: &one,
		SubIDAvailable: ref(byte(0)), SharedSubAvailable: &one,
		User: []packets.User{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}, {Key: "schlüssel", Value: "𝄞"}, {Key: "empty", Value: ""}},
	}
}

type event struct {
	name, kind string
	write      func(*Writer)
	fields     fields
}

func events() []event {
	at := time.UnixMicro(1700000000123456)
	failure := &Error{Code: ServerDisconnect, Message: "the server ended the connection: Session taken over", Field: "clientId", Hint: "Ein anderer Tab? \u2026", HasReasonCode: true, ReasonCode: 0x8E}
	plain := &Error{Code: Timeout, Message: "too late", Retryable: true}
	props := everyProperty()
	stats := Stats{
		PacketsIn: 1 << 40, PacketsOut: 2, BytesIn: 3, BytesOut: 4, MessagesIn: 5, MessagesOut: 6, Waiting: 7, WaitingBytes: 8, InFlight: 9, Dropped: 10, Links: 11,
		PingRTT: 12345 * time.Microsecond, PubackRTT: 13 * time.Millisecond, ConnectedAt: at,
	}
	packet := Packet{Sent: true, Type: packets.PUBLISH, ID: 0xfffe, Topic: "a/b", QoS: 1, Retain: true, Dup: true, PayloadBytes: 0xfffffffe, At: at,
		Payload: []byte{0, 255}, Properties: &packets.Properties{ContentType: "text/plain"}}
	return []event{
		{"hello", "hello", func(w *Writer) { w.Hello("1.2.3") }, fields{"version": "1.2.3"}},
		{"target request", "targetRequest", func(w *Writer) { w.TargetRequest(1, 0xfffffffe) }, fields{"client": 1, "request": uint32(0xfffffffe)}},
		{"state", "state", func(w *Writer) { w.State(1, Connected, nil) }, fields{"client": 1, "state": 1}},
		{"state with an error", "state", func(w *Writer) { w.State(1, Closed, failure) }, fields{"client": 1, "state": 3, "error": namedError(failure)}},
		{"linked", "linked", func(w *Writer) {
			w.Linked(1, "me", &packets.Connack{SessionPresent: true, ReasonCode: 0, Properties: props})
		}, fields{"client": 1, "clientId": "me", "connack": fields{"sessionPresent": true, "reasonCode": 0, "properties": named(props)}}},
		{"linked without properties", "linked", func(w *Writer) { w.Linked(1, "", &packets.Connack{}) },
			fields{"client": 1, "clientId": "", "connack": fields{"sessionPresent": false, "reasonCode": 0, "properties": fields{}}}},
		{"retry", "retry", func(w *Writer) { w.Retry(1, 2, 1500*time.Microsecond, plain) }, fields{"client": 1, "attempt": 2, "delay": 1.5, "error": namedError(plain)}},
		{"retry that waits", "retry", func(w *Writer) { w.Retry(1, 1, -time.Millisecond, plain) }, fields{"client": 1, "attempt": 1, "delay": -1, "error": namedError(plain)}},
		{"retry without an error", "retry", func(w *Writer) { w.Retry(1, 1, 0, nil) }, fields{"client": 1, "attempt": 1, "delay": 0}},
		{"presigned", "presigned", func(w *Writer) { w.Presigned(3, "wss://iot.example/mqtt?X=1") }, fields{"op": 3, "url": "wss://iot.example/mqtt?X=1"}},
		{"subscribed", "subscribed", func(w *Writer) {
			w.Subscribed(3, Answer{ReasonCodes: []byte{0, 1, 0x87}, Properties: &packets.Properties{ReasonString: "denied"}})
		}, fields{"op": 3, "reasonCodes": hexBytes([]byte{0, 1, 0x87}), "properties": fields{"reasonString": "denied"}}},
		{"done", "done", func(w *Writer) { w.Done(3) }, fields{"op": 3}},
		{"published", "published", func(w *Writer) {
			w.Published(3, at, Acknowledgement{ReasonCode: 0x10, Properties: &packets.Properties{User: []packets.User{{Key: "a", Value: "b"}}}})
		}, fields{"op": 3, "sentAt": epoch(at), "reasonCode": 0x10, "properties": fields{"userProperties": fields{"a": "b"}}}},
		{"failed", "failed", func(w *Writer) { w.Failed(3, failure) }, fields{"op": 3, "error": namedError(failure)}},
		{"message", "message", func(w *Writer) {
			w.Message(1, []uint32{4, 0xfffffffe}, 5, &packets.Publish{PacketID: 7, Topic: "größe/\u2603", Payload: []byte("\x00\xff"), QoS: 2, Retain: true, Duplicate: true, Properties: props}, at)
		}, fields{"client": 1, "token": 5, "packetId": 7, "subscriptions": []uint32{4, 0xfffffffe}, "topic": "größe/\u2603", "payload": hexBytes([]byte("\x00\xff")), "qos": 2, "retain": true,
			"dup": true, "receivedAt": epoch(at), "properties": named(props)}},
		{"message, bare", "message", func(w *Writer) { w.Message(1, nil, 0, &packets.Publish{Topic: "t"}, at) },
			fields{"client": 1, "token": 0, "packetId": 0, "subscriptions": []uint32{}, "topic": "t", "payload": hexBytes(nil), "qos": 0, "retain": false, "dup": false,
				"receivedAt": epoch(at), "properties": fields{}}},
		{"server disconnect", "serverDisconnect", func(w *Writer) {
			w.ServerDisconnect(1, &packets.Disconnect{ReasonCode: 0x9D, Properties: &packets.Properties{ServerReference: "other.example"}})
		}, fields{"client": 1, "reasonCode": 0x9D, "properties": fields{"serverReference": "other.example"}}},
		{"step", "step", func(w *Writer) {
			w.Step(Step{Run: 6, Step: 7, State: StepAcknowledged, PlannedAt: at, SentAt: at, AcknowledgedAt: at.Add(time.Second), Interrupted: true})
		},
			fields{"run": 6, "step": 7, "count": 1, "state": 4, "plannedAt": epoch(at), "sentAt": epoch(at), "acknowledgedAt": epoch(at) + 1000, "interrupted": true}},
		{"failed steps", "step", func(w *Writer) { w.Step(Step{Run: 6, Step: 7, Count: 9, State: StepFailed, Err: plain}) },
			fields{"run": 6, "step": 7, "count": 9, "state": 7, "plannedAt": 0, "sentAt": 0, "acknowledgedAt": 0, "interrupted": false, "error": namedError(plain)}},
		{"shift", "shift", func(w *Writer) { w.Shift(Shift{Run: 6, Step: 7, Count: 8, By: -1500 * time.Microsecond}) },
			fields{"run": 6, "step": 7, "count": 8, "by": -1.5}},
		{"repeat", "repeat", func(w *Writer) { w.Repeat(Repeat{Run: 6, Step: 7, Of: 5, PlannedAt: at}) },
			fields{"run": 6, "step": 7, "of": 5, "plannedAt": epoch(at)}},
		{"fault", "fault", func(w *Writer) { w.Fault(1, failure) }, fields{"client": 1, "error": namedError(failure)}},
		{"stats", "statsAnswer", func(w *Writer) { w.Stats(3, stats) }, fields{
			"op": 3, "packetsReceived": 1 << 40, "packetsSent": 2, "bytesReceived": 3, "bytesSent": 4, "messagesReceived": 5, "messagesSent": 6,
			"waiting": 7, "waitingBytes": 8, "inFlight": 9, "dropped": 10, "links": 11, "pingRoundTrip": 12.345, "pubackRoundTrip": 13, "connectedAt": epoch(at)}},
		{"program stats", "statsAnswer", func(w *Writer) { w.ProgramStats(3, 2, 40) }, fields{"op": 3, "clients": 2, "goroutines": 40}},
		{"packet", "packet", func(w *Writer) { w.Packet(1, packet) }, fields{"client": 1, "direction": "sent", "type": "PUBLISH", "id": 0xfffe, "topic": "a/b", "qos": 1,
			"retain": true, "dup": true, "payloadBytes": uint32(0xfffffffe), "at": epoch(at), "payload": hexBytes(packet.Payload), "properties": named(packet.Properties)}},
		{"packet with reason codes", "packet", func(w *Writer) {
			w.Packet(1, Packet{Type: packets.SUBACK, ID: 2, ReasonCodes: []byte{0, 0x87}, At: at})
		},
			fields{"client": 1, "direction": "received", "type": "SUBACK", "id": 2, "reasonCodes": []int{0, 0x87}, "at": epoch(at), "payload": hexBytes(nil), "properties": fields{}}},
		{"packet with filters", "packet", func(w *Writer) {
			w.Packet(1, Packet{Sent: true, Type: packets.SUBSCRIBE, ID: 2, Topic: "a\nb/#", At: at})
		},
			fields{"client": 1, "direction": "sent", "type": "SUBSCRIBE", "id": 2, "filters": []string{"a", "b/#"}, "at": epoch(at), "payload": hexBytes(nil), "properties": fields{}}},
	}
}

func TestEvents(t *testing.T) {
	var got []record
	kinds := make(map[string]bool)
	for _, e := range events() {
		var w Writer
		e.write(&w)
		text, err := json.Marshal(e.fields)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, record{e.name, e.kind, text, hex.EncodeToString(w.Bytes())})
		kinds[e.kind] = true
	}
	if len(kinds) != int(KindRepeat) {
		t.Errorf("%d kinds of %d", len(kinds), KindRepeat)
	}
	g := readGolden(t)
	if *update {
		g.Events = got
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(g); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(g.Events) != len(got) {
		t.Fatalf("%d events in the golden file, want %d: go test -update", len(g.Events), len(got))
	}
	for i, want := range g.Events {
		if got[i].Name != want.Name || got[i].Kind != want.Kind || got[i].Hex != want.Hex {
			t.Errorf("%s is written as\n\t%s\nwant\n\t%s", got[i].Name, got[i].Hex, want.Hex)
		}
		var f fields
		if err := json.Unmarshal(got[i].Fields, &f); err != nil {
			t.Fatal(err)
		}
		same(t, f, want.Fields)
	}
}

func TestWriterKeepsRecordsApart(t *testing.T) {
	var w Writer
	for range 2 {
		w.Done(1)
		w.Hello("x")
		w.Done(2)
		r, n := NewReader(w.Bytes()), 0
		for {
			if _, _, ok := r.Next(); !ok {
				break
			}
			n++
		}
		if n != 3 || r.Err() != nil || w.Len() != len(w.Bytes()) {
			t.Errorf("%d records, %v", n, r.Err())
		}
		w.Reset()
	}
}

// No secret is in the text of a record.
func TestTextsHoldNoSecret(t *testing.T) {
	p := Presign{Endpoint: "iot.example", AccessKeyID: "SECRET", SecretAccessKey: "SECRET", SessionToken: "SECRET"}
	for _, v := range []any{p, &p, Target{URL: "wss://x/?SECRET", Presign: p}, &Target{URL: "SECRET", Presign: p}, []Presign{p}} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(format, v); bytes.Contains([]byte(text), []byte("SECRET")) {
				t.Errorf("%s of %T is %s", format, v, text)
			}
		}
	}
}

// FuzzReader reads arbitrary bytes as each kind of record: without a panic, and
// without more memory than a small multiple of what was given.
func FuzzReader(f *testing.F) {
	for _, rec := range readGolden(f).Commands {
		batch, err := hex.DecodeString(rec.Hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(batch)
	}
	f.Add([]byte{KindDelay, 42, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255})
	f.Add([]byte{KindSubscribe, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, batch []byte) {
		r := NewReader(batch)
		for {
			kind, body, ok := r.Next()
			if !ok {
				break
			}
			for _, c := range commands {
				if c.kind == kind {
					_, _ = c.read(body)
				}
			}
		}
		for _, c := range commands {
			_, _ = c.read(NewReader(batch))
		}
		if s, _ := NewReader(batch).Subscribe(); 8*len(s.Filters) > len(batch) {
			t.Errorf("%d filters of %d bytes", len(s.Filters), len(batch))
		}
		if d, _ := NewReader(batch).Delay(); minDelayStep*len(d.Steps) > len(batch) {
			t.Errorf("%d steps of %d bytes", len(d.Steps), len(batch))
		}
	})
}
