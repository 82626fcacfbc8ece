package broker_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// row is one limit, deviation or reason code. Its source is the line of aws-iot.md,
// the collected facts about AWS IoT Core, and what that line rests on.
type row struct {
	name, source    string
	version         byte // 5 if it is 0
	profile, limits string
	allows          func(action, resource string) bool
	run             func(t *testing.T, r *rig, version byte)
}

func TestLimits(t *testing.T) {
	for _, row := range rows() {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, row.profile, row.limits)
			r.principal.Allows = row.allows
			row.run(t, r.overTCP(t), cmp.Or(row.version, 5))
		})
	}
}

func b2i(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// exchange connects, sends packets and compares what comes back.
func exchange(packets func(*wire) [][]byte, want ...string) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.connect(t, version, "c")
		w.send(packets(w)...)
		w.expect(want...)
	}
}

// silent is exchange, and nothing more comes.
func silent(packets func(*wire) [][]byte, want ...string) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.connect(t, version, "c")
		w.send(packets(w)...)
		w.expect(want...)
		w.quiet()
	}
}

// refused sends a CONNECT and compares the answer.
func refused(id, want string, options ...func(*connectOptions)) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.open(t, version)
		w.send(connectPacket(version, id, options...))
		if want != "closed" {
			w.expect(want)
		}
		w.expect("closed")
	}
}

// publishes sends one PUBLISH.
func publishes(flags byte, topic, payload string, want ...string) func(*testing.T, *rig, byte) {
	return exchange(func(w *wire) [][]byte { return [][]byte{w.publishPacket(flags, 1, topic, payload), pingreq} }, want...)
}

// subscribes sends one SUBSCRIBE.
func subscribes(options byte, filters []string, want ...string) func(*testing.T, *rig, byte) {
	return exchange(func(w *wire) [][]byte { return [][]byte{w.subscribePacket(1, options, filters...), pingreq} }, want...)
}

// bytesOf sends what no builder makes.
func bytesOf(raw string, want ...string) func(*testing.T, *rig, byte) {
	return exchange(func(*wire) [][]byte { return [][]byte{[]byte(raw), pingreq} }, want...)
}

// connackProperties returns the properties of a raw CONNACK by identifier.
func connackProperties(t *testing.T, raw []byte) map[byte]uint32 {
	t.Helper()
	_, n := binary.Uvarint(raw[1:])
	p := raw[1+n+2:]
	_, n = binary.Uvarint(p)
	p = p[n:]
	found := map[byte]uint32{}
	for len(p) > 0 {
		id := p[0]
		switch id {
		case 0x21, 0x22, 0x13:
			found[id] = uint32(binary.BigEndian.Uint16(p[1:]))
			p = p[3:]
		case 0x11, 0x27:
			found[id] = binary.BigEndian.Uint32(p[1:])
			p = p[5:]
		case 0x12, 0x1f:
			size := int(binary.BigEndian.Uint16(p[1:]))
			found[id] = uint32(size)
			p = p[3+size:]
		case 0x24, 0x25, 0x28, 0x29, 0x2a:
			found[id] = uint32(p[1])
			p = p[2:]
		default:
			t.Fatalf("property 0x%x", id)
		}
	}
	return found
}

// hasOnly is hasProperties, and there are no others.
func hasOnly(id string, want map[byte]uint32, options ...func(*connectOptions)) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.open(t, version)
		w.send(connectPacket(version, id, options...))
		if got := connackProperties(t, w.raw()); !maps.Equal(got, want) {
			t.Errorf("properties %v, want %v", got, want)
		}
	}
}

// answers connects, sends packets and compares the bytes of what comes back.
func answers(packets func(*wire) [][]byte, want string, options ...func(*connectOptions)) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.connect(t, version, "c", options...)
		w.send(packets(w)...)
		if got := w.raw(); string(got) != want {
			t.Errorf("got %x, want %x", got, want)
		}
	}
}

// ends connects, sends packets and looks at the lifecycle event of the end.
func ends(reason string, packets func(*wire) [][]byte) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		watcher := r.connect(t, version, "watcher", keepAlive(1200))
		watcher.subscribe(1, "$aws/events/presence/disconnected/c")
		w := r.connect(t, version, "c")
		w.send(packets(w)...)
		contains(t, watcher.next(), "PUBLISH $aws/events/presence/disconnected/c q1", `"disconnectReason":"`+reason+`"`, `"clientInitiatedDisconnect":false`)
	}
}

func property(id byte, value []byte) func(*connectOptions) {
	return func(o *connectOptions) { o.properties = append(o.properties, append([]byte{id}, value...)) }
}

func hasProperties(id string, want map[byte]uint32, options ...func(*connectOptions)) func(*testing.T, *rig, byte) {
	return func(t *testing.T, r *rig, version byte) {
		w := r.open(t, version)
		w.send(connectPacket(version, id, options...))
		got := connackProperties(t, w.raw())
		for id, value := range want {
			if got[id] != value {
				t.Errorf("property 0x%x is %d, want %d", id, got[id], value)
			}
		}
	}
}

func numbered(n int, pattern string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf(pattern, i)
	}
	return out
}

func denies(action string) func(string, string) bool {
	return func(a, _ string) bool { return a != action }
}

func rows() []row {
	deep, tooDeep := "1/2/3/4/5/6/7/8", "1/2/3/4/5/6/7/8/9"
	long, tooLong := strings.Repeat("é", 128), strings.Repeat("é", 128)+"x"
	payload := strings.Repeat("x", 128<<10)
	qos1, qos2, retain := byte(2), byte(4), byte(1)
	forwarded := bytes.Join([][]byte{
		{0x01, 1}, {0x03}, str("text/plain"), {0x08}, str("answers"), {0x09}, str("7"), {0x26}, str("k"), str("v"), {0x26}, str("k"), str("w"),
	}, nil)
	deepPublish := func(w *wire) [][]byte { return [][]byte{w.publishPacket(qos1, 1, tooDeep, "")} }
	connack := map[byte]uint32{0x21: 100, 0x22: 8, 0x24: 1, 0x25: 1, 0x27: 149504, 0x28: 1, 0x29: 0, 0x13: 60}
	all := []row{
		// CONNECT and CONNACK.
		{name: "CONNACK properties", source: "2.2, S1", run: hasOnly("c", connack)},
		{name: "CONNACK has no Response Information", source: "2.3, open", run: hasOnly("c", connack, property(0x19, []byte{1}))},
		{name: "CONNACK numbers are settings", source: "2.2, open", limits: `{"receiveMaximum":7,"maximumPacketSize":1000,"topicAliasMaximum":2,"serverKeepAliveAlways":false}`,
			run: hasOnly("c", map[byte]uint32{0x21: 7, 0x22: 2, 0x24: 1, 0x25: 1, 0x27: 1000, 0x28: 1, 0x29: 0})},
		{name: "enhanced authentication", source: "2.1, S1; 2.6", run: refused("c", "CONNACK 0 80", property(0x15, str("method")))},
		{name: "assigned client identifier", source: "2.2, S1", run: hasProperties("", map[byte]uint32{0x12: 36})},
		{name: "no keep alive is the maximum", source: "2.9 keep-alive, S4", run: hasProperties("c", map[byte]uint32{0x13: 1200}, keepAlive(0))},
		{name: "keep alive over the maximum", source: "2.9 keep-alive, S4", run: hasProperties("c", map[byte]uint32{0x13: 1200}, keepAlive(1201))},
		{name: "keep alive under the minimum", source: "2.9 keep-alive, S4", run: hasProperties("c", map[byte]uint32{0x13: 30}, keepAlive(29))},
		{name: "session expiry over the ceiling", source: "2.5, S1", run: hasProperties("c", map[byte]uint32{0x11: 3600}, expiry(3601))},
		{name: "session expiry over an account's ceiling", source: "2.5, S1: max 7 days", limits: `{"sessionExpiryMaximum":604800}`, run: hasProperties("c", map[byte]uint32{0x11: 604800}, expiry(604801))},
		{name: "a CONNECT too large", source: "2.9 payload / CONNECT size, S4", run: refused("c", "closed", lastWill("t", strings.Repeat("x", 65535), 0), func(o *connectOptions) {
			o.willProperties = [][]byte{append([]byte{0x09}, str(payload[:65535])...)}
		})},
		{name: "client identifier of 128 bytes", source: "2.9 client id, S4", run: func(t *testing.T, r *rig, version byte) {
			r.connect(t, version, strings.Repeat("x", 128)).quiet()
		}},
		{name: "client identifier of 129 bytes", source: "2.9 client id, S4; 2.6", run: refused(strings.Repeat("x", 129), "CONNACK 0 85")},
		{name: "client identifier of 129 bytes, 3.1.1", source: "2.9 client id, S4", version: 4, run: refused(strings.Repeat("x", 129), "CONNACK 0 02")},
		{name: "reserved client identifier", source: "2.8, S1", run: refused("$c", "CONNACK 0 85")},
		{name: "CONNECTs are not limited by default", source: "2.8, S4: a setting", run: func(t *testing.T, r *rig, version byte) {
			for range 5 {
				r.connect(t, version, "c")
			}
		}},
		{name: "unauthorised CONNECT", source: "1.15, S1", allows: denies("iot:Connect"), run: refused("c", "CONNACK 0 87")},
		{name: "unauthorised CONNECT, 3.1.1", source: "1.15, S2 mqtt.md: 7 instead of 5", version: 4, allows: denies("iot:Connect"), run: refused("c", "CONNACK 0 07")},
		{name: "CONNECT is asked by client identifier", source: "1.15, S1", allows: func(action, resource string) bool { return resource == "client/c" }, run: func(t *testing.T, r *rig, version byte) {
			r.connect(t, version, "c")
			refused("d", "CONNACK 0 87")(t, r, version)
		}},
		{name: "will of QoS 2", source: "2.1, 2.6", run: refused("c", "CONNACK 0 9b", lastWill("t", "x", 0x10))},
		{name: "will with a topic too deep", source: "2.9 topic & filter, 2.6", run: refused("c", "CONNACK 0 90", lastWill(tooDeep, "x", 0))},
		{name: "will with RETAIN on a reserved topic", source: "2.7, S1; 2.6", run: refused("c", "CONNACK 0 90", lastWill("$aws/things/t/x", "x", 0x20))},
		{name: "will on a topic of the service", source: "2.10; 2.6", run: refused("c", "CONNACK 0 87", lastWill("$aws/events/presence/connected/c", "x", 0))},
		{name: "will with a payload too large", source: "2.9 payload; 2.6", limits: `{"payloadBytes":10}`, run: refused("c", "CONNACK 0 97", lastWill("t", "12345678901", 0))},
		{name: "will with large user properties", source: "2.3, open", run: refused("c", "CONNACK 0 97", lastWill("t", "x", 0, append(append([]byte{0x26}, str("k")...), str(payload[:8<<10])...)))},
		{name: "will with a wildcard in the response topic", source: "2.3; 2.6", run: refused("c", "CONNACK 0 90", lastWill("t", "x", 0, append([]byte{0x08}, str("a/+")...)))},
		{name: "will of a client that says DISCONNECT with an error", source: "2.6; [MQTT-3.1.2-8]", run: func(t *testing.T, r *rig, version byte) {
			watcher := r.connect(t, version, "watcher")
			watcher.subscribe(0, "will")
			w := r.connect(t, version, "c", lastWill("will", "x", 0))
			w.send(w.disconnectPacket(0x81))
			watcher.expect("PUBLISH will q0 x")
		}},
		{name: "protocol version 3", source: "1.10: 5 and 3.1.1", version: 4, run: func(t *testing.T, r *rig, version byte) {
			w := r.open(t, version)
			w.send(packet(0x10, str("MQIsdp"), []byte{3, 2}, u16(60), str("c")))
			w.expect("CONNACK 0 01", "closed")
		}},
		{name: "something before CONNECT", source: "2.7", run: func(t *testing.T, r *rig, version byte) {
			w := r.open(t, version)
			w.send(pingreq)
			w.expect("closed")
		}},
		{name: "a second CONNECT", source: "2.6", run: exchange(func(*wire) [][]byte { return [][]byte{connectPacket(5, "c")} }, "DISCONNECT 82", "closed")},

		// Sizes of messages and topics.
		{name: "payload of 128 KB", source: "2.9 payload, S4", run: publishes(qos1, "t", payload, "PUBACK 1 00", "PINGRESP")},
		{name: "payload over 128 KB", source: "2.9 payload, S4 and paho.mqtt.python#760", run: publishes(qos1, "t", payload+"x", "DISCONNECT 97", "closed")},
		{name: "payload over 128 KB, 3.1.1", source: "2.9 payload, S4", version: 4, run: publishes(qos1, "t", payload+"x", "closed")},
		{name: "packet over Maximum Packet Size", source: "2.2, 2.9 payload", run: publishes(0, "t", strings.Repeat("x", 149504), "DISCONNECT 97", "closed")},
		{name: "topic of 256 bytes", source: "2.9 topic & filter, S4", run: publishes(qos1, long, "", "PUBACK 1 00", "PINGRESP")},
		{name: "topic of 257 bytes", source: "2.9 topic & filter, S4; 2.6", run: publishes(qos1, tooLong, "", "PUBACK 1 90", "PINGRESP")},
		{name: "topic with 7 slashes", source: "2.9 topic & filter, S4", run: publishes(qos1, deep, "", "PUBACK 1 00", "PINGRESP")},
		{name: "topic with 8 slashes", source: "2.9 topic & filter, S4; 2.6", run: publishes(qos1, tooDeep, "", "PUBACK 1 90", "PINGRESP")},
		{name: "topic with 8 slashes, QoS 0", source: "2.9 topic & filter, S4; 2.6", run: publishes(0, tooDeep, "", "DISCONNECT 90", "closed")},
		{name: "topic with 8 slashes, 3.1.1", source: "2.9 topic & filter, S4", version: 4, run: publishes(qos1, tooDeep, "", "closed")},
		{name: "Basic Ingest does not count", source: "2.9 topic & filter, S1", run: publishes(qos1, "$aws/rules/rule/"+deep, "", "PUBACK 1 00", "PINGRESP")},
		{name: "Basic Ingest passes subscribers by", source: "2.9 topic & filter; S1's page on Basic Ingest", run: silent(func(w *wire) [][]byte {
			return [][]byte{w.subscribePacket(1, 0, "$aws/rules/#", "$aws/rules/rule/t"), w.publishPacket(qos1, 2, "$aws/rules/rule/t", "x")}
		}, "SUBACK 1 00 00", "PUBACK 2 00")},
		{name: "Basic Ingest with 8 slashes", source: "2.9 topic & filter, S1", run: publishes(qos1, "$aws/rules/rule/"+tooDeep, "", "PUBACK 1 90", "PINGRESP")},
		{name: "filters too deep and too long", source: "2.9 topic & filter, S4; 2.6", run: subscribes(1, []string{deep, tooDeep, long, tooLong, "1/2/3/4/5/6/7/#"}, "SUBACK 1 01 8f 01 8f 01", "PINGRESP")},
		{name: "filters too deep, 3.1.1", source: "2.9 topic & filter, S4", version: 4, run: subscribes(1, []string{deep, tooDeep}, "SUBACK 1 01 80", "PINGRESP")},
		{name: "$share/name/ does not count", source: "2.9 topic & filter, S1", run: subscribes(1, []string{"$share/group/" + deep, "$share/group/" + tooDeep}, "SUBACK 1 01 8f", "PINGRESP")},
		{name: "share name of 128 characters", source: "2.9 share name, S1", run: subscribes(1, []string{"$share/" + strings.Repeat("x", 128) + "/t", "$share/" + strings.Repeat("x", 129) + "/t"}, "SUBACK 1 01 8f", "PINGRESP")},
		{name: "wildcards in the wrong place", source: "2.6", run: subscribes(1, []string{"a#", "a/+b", "#/a", "$share/g", "$share//t"}, "SUBACK 1 8f 8f 8f 8f 8f", "PINGRESP")},
		{name: "user properties", source: "2.3, open", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			property := append(append([]byte{0x26}, str("k")...), str(payload[:8<<10])...)
			w.send(w.publishPacket(qos1, 1, "t", "", property))
			w.expect("PUBACK 1 97")
		}},

		{name: "properties are forwarded", source: "2.3, S1", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.subscribePacket(1, 0, "t"), w.publishPacket(qos1, 2, "t", "x", forwarded)}
		}, "SUBACK 1 00", "PUBACK 2 00", fmt.Sprintf("PUBLISH t q0 properties=%x x", forwarded))},
		{name: "a wildcard in the response topic", source: "2.3; 2.6", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(0, 0, "t", "x", append([]byte{0x08}, str("a/#")...))}
		}, "DISCONNECT 82", "closed")},
		{name: "a property that comes twice", source: "2.6", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(0, 0, "t", "x", []byte{0x23, 0, 1}, []byte{0x23, 0, 1})}
		}, "DISCONNECT 82", "closed")},
		{name: "Reason String", source: "2.3, 2.6", run: answers(deepPublish, "\x40\x25\x00\x01\x90\x21\x1f\x00\x1ethe topic has too many slashes")},
		{name: "Request Problem Information of 0", source: "2.3, S1", run: answers(deepPublish, "\x40\x04\x00\x01\x90\x00", property(0x17, []byte{0}))},
		{name: "Reason String over the client's Maximum Packet Size", source: "2.3, S1", run: answers(deepPublish, "\x40\x04\x00\x01\x90\x00", property(0x27, u32(38)))},
		{name: "Maximum Packet Size of the client", source: "2.3, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", property(0x27, u32(39)))
			w.subscribe(1, "t")
			p := r.connect(t, version, "p")
			p.publish(1, "t", strings.Repeat("x", 32)) // 40 bytes
			p.publish(2, "t", strings.Repeat("y", 31))
			w.expect("PUBLISH t q1 " + strings.Repeat("y", 31))
		}},
		{name: "Receive Maximum of the client", source: "2.3, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", receiveMaximum(2))
			w.subscribe(1, "t")
			p := r.connect(t, version, "p")
			for id := range uint16(3) {
				p.publish(id+1, "t", fmt.Sprint(id))
			}
			first := w.raw()
			w.expect("PUBLISH t q1 1")
			w.quiet()
			w.send(puback(packetID(first)))
			w.expect("PUBLISH t q1 2")
		}},

		// Subscriptions.
		{name: "8 filters in one SUBSCRIBE", source: "2.9 filters, S4", run: subscribes(0, numbered(8, "f/%d"), "SUBACK 1"+strings.Repeat(" 00", 8), "PINGRESP")},
		{name: "9 filters in one SUBSCRIBE", source: "2.9 filters, S4 and iotagent-json#875", run: subscribes(0, numbered(9, "f/%d"), "SUBACK 1"+strings.Repeat(" 97", 9), "PINGRESP")},
		{name: "16 filters in one SUBSCRIBE", source: "2.9 filters, iotagent-json#875", run: subscribes(0, numbered(16, "f/%d"), "SUBACK 1"+strings.Repeat(" 97", 16), "PINGRESP")},
		{name: "topics of a named shadow", source: "2.9: exactly 7 slashes", run: subscribes(1, shadowTopics("S"), "SUBACK 1"+strings.Repeat(" 01", 8), "PINGRESP")},
		{name: "topics of seven named shadows", source: "2.9: 6 shadows in 50 subscriptions", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for i := range 6 {
				w.subscribe(1, shadowTopics(fmt.Sprint(i))...)
			}
			w.send(w.subscribePacket(9, 1, shadowTopics("6")...))
			w.expect("SUBACK 9 01 01"+strings.Repeat(" 97", 6), "DISCONNECT 97", "closed")
		}},
		{name: "50 subscriptions, 3.1.1", source: "2.9 subscriptions, S4", version: 4, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for i := range 10 {
				w.subscribe(0, numbered(5, fmt.Sprintf("%d/%%d", i))...)
			}
			w.send(w.subscribePacket(9, 0, "one more"))
			w.expect("SUBACK 9 80", "closed")
		}},
		{name: "9 filters in one SUBSCRIBE, 3.1.1", source: "2.9 filters, S4", version: 4, run: subscribes(0, numbered(9, "f/%d"), "SUBACK 1"+strings.Repeat(" 80", 9), "PINGRESP")},
		{name: "50 subscriptions", source: "2.9 subscriptions, S4 and aws-iot-device-sdk-js#43", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for i := range 7 {
				w.subscribe(0, numbered(7, fmt.Sprintf("%d/%%d", i))...)
			}
			w.subscribe(0, "0/0", "fiftieth") // the first is not counted again
			w.send(w.subscribePacket(9, 0, "0/1", "one more"))
			w.expect("SUBACK 9 00 97", "DISCONNECT 97", "closed")
		}},
		{name: "QoS 2 in SUBSCRIBE", source: "2.1, 2.7, S1", run: subscribes(2, []string{"t"}, "DISCONNECT 9b", "closed")},
		{name: "QoS 2 in SUBSCRIBE, 3.1.1", source: "2.7, S1: no SUBACK", version: 4, run: subscribes(2, []string{"t"}, "PINGRESP")},
		{name: "subscription identifier", source: "2.1, 2.6, S1", run: exchange(func(*wire) [][]byte {
			return [][]byte{packet(0x82, u16(1), properties(5, []byte{0x0b, 1}), str("t"), []byte{0})}
		}, "DISCONNECT a1", "closed")},
		{name: "unauthorised SUBSCRIBE", source: "1.15, S1", allows: func(_, resource string) bool { return resource != "topicfilter/b/#" },
			run: subscribes(1, []string{"a", "b/#"}, "SUBACK 1 01 87", "PINGRESP")},
		{name: "unauthorised SUBSCRIBE, 3.1.1", source: "1.15, aws-iot-device-sdk-js#125", version: 4, allows: denies("iot:Subscribe"), run: subscribes(1, []string{"a"}, "closed")},
		{name: "UNSUBACK", source: "2.6: no 0x11", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "held")
			w.send(w.unsubscribePacket(2, "held", "other", "wrong#"))
			w.expect("UNSUBACK 2 00 00 8f")
		}},
		{name: "a/# does not match a", source: "2.7, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(1, "a/#")
			w.publish(1, "a", "parent")
			w.publish(2, "a/b", "child")
			w.expect("PUBLISH a/b q1 child")
		}},
		{name: "a/# beside a keeps the QoS of a", source: "2.7, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(1, "a/#")
			w.subscribe(0, "a")
			w.publish(1, "a", "x")
			w.expect("PUBLISH a q0 x")
		}},
		{name: "iot:Receive", source: "1.15", allows: func(action, resource string) bool {
			return action != "iot:Receive" || resource != "topic/secret"
		}, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "#")
			w.publish(1, "secret", "x")
			w.publish(2, "open", "x")
			w.expect("PUBLISH open q0 x")
		}},

		// Publishing.
		{name: "QoS 2", source: "2.1, 2.7, S1", run: publishes(qos2, "t", "", "DISCONNECT 9b", "closed")},
		{name: "QoS 2, 3.1.1", source: "2.7, S1: no acknowledgement", version: 4, run: publishes(qos2, "t", "", "PINGRESP")},
		{name: "DUP from the client", source: "2.1, S1", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.subscribePacket(1, 1, "t"), w.publishPacket(qos1|8, 2, "t", "x")}
		}, "SUBACK 1 01", "PUBACK 2 00", "PUBLISH t q1 x")},
		{name: "topic alias 8", source: "2.9 topic aliases, S1", run: exchange(func(w *wire) [][]byte {
			alias := []byte{0x23, 0, 8}
			return [][]byte{w.subscribePacket(1, 0, "t"), w.publishPacket(0, 0, "t", "first", alias), w.publishPacket(0, 0, "", "second", alias)}
		}, "SUBACK 1 00", "PUBLISH t q0 first", "PUBLISH t q0 second")},
		{name: "topic alias 9", source: "2.9 topic aliases, S1; 2.6", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(0, 0, "t", "", []byte{0x23, 0, 9})}
		}, "DISCONNECT 94", "closed")},
		{name: "topic alias 0", source: "2.6", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(0, 0, "t", "", []byte{0x23, 0, 0})}
		}, "DISCONNECT 94", "closed")},
		{name: "topic alias of a refused PUBLISH", source: "2.9 topic aliases", allows: func(_, resource string) bool { return resource != "topic/no" }, run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1, 1, "no", "", []byte{0x23, 0, 1}), w.publishPacket(qos1, 2, "", "", []byte{0x23, 0, 1}), pingreq}
		}, "PUBACK 1 87", "PUBACK 2 87", "PINGRESP")},
		{name: "unknown topic alias", source: "2.6", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(0, 0, "", "", []byte{0x23, 0, 1})}
		}, "DISCONNECT 82", "closed")},
		{name: "100 messages under way to the broker", source: "2.9 unacked in/out, S4; 2.6", limits: `{"pubackDelay":"1h"}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for id := range uint16(100) {
				w.send(w.publishPacket(qos1, id+1, "t", ""))
			}
			w.quiet()
			w.send(w.publishPacket(qos1, 101, "t", ""))
			w.expect("DISCONNECT 93", "closed")
		}},
		{name: "100 messages under way to the client", source: "2.9 unacked in/out, S4", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(1, "t")
			p := r.connect(t, version, "p")
			for id := range uint16(101) {
				p.publish(id+1, "t", fmt.Sprint(id))
			}
			first := w.raw()
			for id := 1; id < 100; id++ {
				w.expect(fmt.Sprintf("PUBLISH t q1 %d", id))
			}
			w.quiet()
			w.send(puback(packetID(first)))
			w.expect("PUBLISH t q1 100")
		}},
		{name: "publishes per second", source: "2.9 publishes, S4; 2.6", limits: `{"publishesPerSecond":0.001,"publishBurst":2}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.send(w.publishPacket(0, 0, "t", ""), w.publishPacket(qos1, 1, "t", ""), w.publishPacket(0, 0, "t", ""), w.publishPacket(qos1, 2, "t", ""), pingreq)
			w.expect("PUBACK 1 00", "PUBACK 2 97", "PINGRESP")
		}},
		{name: "publishes per second, 3.1.1", source: "2.9 publishes, S4", version: 4, limits: `{"publishesPerSecond":0.001,"publishBurst":1}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.send(w.publishPacket(qos1, 1, "t", ""), w.publishPacket(qos1, 2, "t", ""), pingreq)
			w.expect("PUBACK 1 00", "PINGRESP")
		}},
		{name: "messages to a client per second", source: "2.9 publishes, S4: each way", limits: `{"publishesPerSecond":0.001,"publishBurst":2}`, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "t")
			for i := range 3 {
				p := r.connect(t, version, fmt.Sprint("p", i))
				p.publish(1, "t", fmt.Sprint(i))
				if i < 2 {
					w.expect(fmt.Sprintf("PUBLISH t q0 %d", i))
				}
			}
			w.quiet()
		}},
		{name: "unauthorised PUBLISH, QoS 1", source: "1.15, 2.6, S1", allows: denies("iot:Publish"), run: publishes(qos1, "t", "", "PUBACK 1 87", "PINGRESP")},
		{name: "unauthorised PUBLISH, QoS 0", source: "1.15, aws-iot-device-sdk-js#125; 2.6", allows: denies("iot:Publish"), run: publishes(0, "t", "", "DISCONNECT 87", "closed")},
		{name: "unauthorised PUBLISH, 3.1.1", source: "1.15, aws-iot-device-sdk-js#125", version: 4, allows: denies("iot:Publish"), run: publishes(qos1, "t", "", "closed")},
		{name: "unauthorised RETAIN", source: "1.15", allows: denies("iot:RetainPublish"), run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1, 1, "t", ""), w.publishPacket(qos1|retain, 2, "t", "")}
		}, "PUBACK 1 00", "PUBACK 2 87")},
		{name: "topics of the service", source: "2.10", run: publishes(qos1, "$aws/events/presence/connected/c", "forged", "PUBACK 1 87", "PINGRESP")},
		{name: "an empty topic", source: "2.6", run: publishes(qos1, "", "", "DISCONNECT 82", "closed")},
		{name: "a wildcard in a topic", source: "2.6", run: publishes(qos1, "a/+", "", "PUBACK 1 90", "PINGRESP")},

		// Retained messages.
		{name: "RETAIN on a reserved topic", source: "2.7, S1", run: publishes(qos1|retain, "$aws/things/t/x", "x", "PUBACK 1 90", "PINGRESP")},
		{name: "retained to an exact filter", source: "2.7, S1", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1|retain, 1, "a/b", "kept"), w.subscribePacket(2, 1, "a/b")}
		}, "PUBACK 1 00", "SUBACK 2 01", "PUBLISH a/b q1 retain kept")},
		{name: "retained to wildcards and shares", source: "2.7, S1", run: silent(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1|retain, 1, "a/b", "kept"), w.subscribePacket(2, 1, "a/#", "a/+", "$share/g/a/b")}
		}, "PUBACK 1 00", "SUBACK 2 01 01 01")},
		{name: "an empty one deletes", source: "2.9 retained, S2", run: silent(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1|retain, 1, "t", "kept"), w.publishPacket(qos1|retain, 2, "t", ""), w.subscribePacket(3, 1, "t")}
		}, "PUBACK 1 00", "PUBACK 2 00", "SUBACK 3 01")},
		{name: "one is retained of a topic", source: "2.9 retained, S2", run: silent(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1|retain, 1, "t", "first"), w.publishPacket(qos1|retain, 2, "t", "second"), w.subscribePacket(3, 1, "t")}
		}, "PUBACK 1 00", "PUBACK 2 00", "SUBACK 3 01", "PUBLISH t q1 retain second")},
		{name: "too many are retained", source: "2.9 retained: the gateway's own; 2.6", limits: `{"retainedMessages":1}`, run: silent(func(w *wire) [][]byte {
			return [][]byte{
				w.subscribePacket(9, 0, "b"), w.publishPacket(qos1|retain, 1, "a", "x"), w.publishPacket(qos1|retain, 2, "b", "no"), w.publishPacket(retain, 0, "b", "no"),
				w.publishPacket(qos1|retain, 3, "a", "another"), w.publishPacket(qos1|retain, 4, "a", ""), w.publishPacket(retain, 0, "b", "yes"),
			}
		}, "SUBACK 9 00", "PUBACK 1 00", "PUBACK 2 97", "PUBACK 3 00", "PUBACK 4 00", "PUBLISH b q0 yes")},
		{name: "too many bytes are retained", source: "2.9 retained: the gateway's own; 2.6", limits: `{"retainedBytes":300}`, run: exchange(func(w *wire) [][]byte {
			return [][]byte{
				w.publishPacket(qos1|retain, 1, "a", strings.Repeat("x", 100)), w.publishPacket(qos1|retain, 2, "b", ""), w.publishPacket(qos1|retain, 3, "b", "x"),
				w.publishPacket(qos1|retain, 4, "a", strings.Repeat("x", 200)), w.publishPacket(qos1|retain, 5, "a", "x"), w.publishPacket(qos1|retain, 6, "b", "x"),
			}
		}, "PUBACK 1 00", "PUBACK 2 00", "PUBACK 3 97", "PUBACK 4 97", "PUBACK 5 00", "PUBACK 6 00")},
		{name: "too many are retained, 3.1.1", source: "2.9 retained: the gateway's own", version: 4, limits: `{"retainedMessages":1}`, run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(qos1|retain, 1, "a", "x"), w.publishPacket(qos1|retain, 2, "b", "x"), pingreq}
		}, "PUBACK 1 00", "PINGRESP")},

		// Expiry.
		{name: "no message expiry", source: "2.4, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "t")
			w.publish(1, "t", "x")
			w.expect("PUBLISH t q0 x")
		}},
		{name: "DISCONNECT cannot raise session expiry from 0", source: "2.5, S1", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.disconnectPacket(0, append([]byte{0x11}, u32(10)...))}
		}, "DISCONNECT 82", "closed")},
		{name: "session expiry absent is 0", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			present(t, r, version, "c", false)
		}},
		{name: "DISCONNECT ends the session", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", expiry(100))
			w.send(w.disconnectPacket(0, append([]byte{0x11}, u32(0)...)))
			w.expect("closed")
			present(t, r, version, "c", false)
		}},
		{name: "a session is resumed", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c", expiry(100))
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			present(t, r, version, "c", true)
		}},
		{name: "MQTT 5 does not resume a 3.1.1 session", source: "2.5, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, 4, "c", resume)
			w.subscribe(0, "t")
			w.send(w.disconnectPacket(0))
			w.expect("closed")
			present(t, r, 4, "c", true)
			present(t, r, 5, "c", false)
			w = r.connect(t, 5, "c", resume)
			w.publish(1, "t", "nobody has subscribed")
			w.quiet()
		}},

		// Who else uses the client identifier.
		{name: "take-over", source: "2.8, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for range 20 { // however soon after CONNACK
				next := r.connect(t, version, "c")
				w.expect("DISCONNECT 8e", "closed")
				w = next
			}
			w.quiet()
		}},
		{name: "take-over, 3.1.1", source: "2.8, S1", version: 4, run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			r.connect(t, version, "c").quiet()
			w.expect("closed")
		}},
		{name: "DeleteConnection", source: "2.8, S1", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			if !r.Disconnect("c") || r.Disconnect("nobody") {
				t.Error("Disconnect does not tell whether there was a connection")
			}
			w.expect("DISCONNECT 98", "closed")
		}},
		{name: "lifecycle: forbidden", source: "2.10; 1.15", allows: denies("iot:Publish"), run: ends("FORBIDDEN_ACCESS", func(w *wire) [][]byte { return [][]byte{w.publishPacket(0, 0, "t", "")} })},
		{name: "lifecycle: throttled", source: "2.10; 2.9 subscriptions", limits: `{"subscriptions":1}`, run: ends("THROTTLED", func(w *wire) [][]byte { return [][]byte{w.subscribePacket(1, 0, "a", "b")} })},
		{name: "lifecycle: client error", source: "2.10; 2.9 payload", limits: `{"payloadBytes":1}`, run: ends("CLIENT_ERROR", func(w *wire) [][]byte { return [][]byte{w.publishPacket(0, 0, "t", "xx")} })},
		{name: "lifecycle: connection lost", source: "2.10", run: ends("CONNECTION_LOST", func(w *wire) [][]byte { _ = w.conn.Close(); return nil })},
		{name: "the broker ends", source: "2.6", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			w.expect("DISCONNECT 8b", "closed")
		}},
	}

	// Packets which AWS does not take, and malformed ones.
	for _, p := range []struct{ name, source, raw, code string }{
		{"PUBREC", "2.1, S1", "\x50\x02\x00\x01", "82"},
		{"PUBREL", "2.1, S1", "\x62\x02\x00\x01", "82"},
		{"PUBCOMP", "2.1, S1", "\x70\x02\x00\x01", "82"},
		{"AUTH", "2.1, S1", "\xf0\x02\x18\x00", "82"},
		{"CONNACK from a client", "2.6", "\x20\x03\x00\x00\x00", "82"},
		{"packet type 0", "2.6", "\x00\x00", "81"},
		{"SUBSCRIBE without options, on which mochi panics", "4: PANIC", "\x82\x06\x12\x34\x00\x00\x01\x70", "81"},
		{"SUBSCRIBE without filters", "2.6", "\x82\x03\x00\x01\x00", "82"},
		{"SUBSCRIBE with identifier 0", "2.6", "\x82\x07\x00\x00\x00\x00\x01t\x00", "82"},
		{"SUBSCRIBE with wrong flags", "2.6", "\x80\x07\x00\x01\x00\x00\x01t\x00", "81"},
		{"UNSUBSCRIBE cut short", "2.6", "\xa2\x06\x00\x01\x00\x00\x05t", "81"},
		{"PUBLISH of QoS 3", "2.6", "\x36\x06\x00\x01t\x00\x01\x00", "81"},
		{"PUBLISH with a topic cut short", "2.6", "\x30\x02\x00\x05", "81"},
		{"PUBLISH with properties into the payload", "2.6", "\x30\x06\x00\x01t\x01\x02\x00", "81"},
		{"PUBLISH with properties longer than the packet", "2.6", "\x30\x05\x00\x01t\x7f\x01", "81"},
		{"PUBLISH with an unknown property", "2.6", "\x30\x06\x00\x01t\x02\x77\x00", "81"},
		{"PUBLISH with invalid UTF-8", "2.6", "\x30\x04\x00\x01\xff\x00", "81"},
		{"PUBLISH with identifier 0", "2.6", "\x32\x06\x00\x01t\x00\x00\x00", "82"},
		{"a remaining length of five bytes", "2.6", "\x30\xff\xff\xff\xff\x01", "81"},
		{"PUBACK cut short", "2.6", "\x40\x01\x00", "81"},
	} {
		all = append(all,
			row{name: p.name, source: p.source, run: bytesOf(p.raw, "DISCONNECT "+p.code, "closed")},
			row{name: p.name + ", 3.1.1", source: p.source, version: 4, run: bytesOf(strings.Replace(p.raw, "\x82\x07\x00\x00\x00", "\x82\x06\x00\x00", 1), "closed")},
		)
	}
	// Nothing of version 5 is malformed where version 4 has no properties.
	kept := all[:0]
	for _, r := range all {
		switch strings.TrimSuffix(r.name, ", 3.1.1") {
		case "PUBLISH with properties into the payload", "PUBLISH with properties longer than the packet", "PUBLISH with an unknown property",
			"SUBSCRIBE with wrong flags", "UNSUBSCRIBE cut short", "SUBSCRIBE without filters", "SUBSCRIBE without options, on which mochi panics":
			if r.version == 4 {
				continue
			}
		}
		kept = append(kept, r)
	}
	return append(kept, genericRows()...)
}

// present resumes a session, without keeping it, and compares Session Present.
func present(t *testing.T, r *rig, version byte, id string, want bool) {
	t.Helper()
	w := r.open(t, version)
	options := []func(*connectOptions){resume}
	if version == 5 {
		options = append(options, expiry(100))
	}
	w.send(connectPacket(version, id, options...))
	w.expect(fmt.Sprintf("CONNACK %d 00", b2i(want)))
	w.send(w.disconnectPacket(0))
	w.expect("closed")
}

// shadowTopics are the topics on which a named shadow answers.
func shadowTopics(name string) []string {
	var topics []string
	for _, tail := range []string{
		"get/accepted", "get/rejected", "update/accepted", "update/rejected", "update/delta", "update/documents", "delete/accepted", "delete/rejected",
	} {
		topics = append(topics, "$aws/things/T/shadow/name/"+name+"/"+tail)
	}
	return topics
}

// genericRows are what the profile generic does instead.
func genericRows() []row {
	const source = "-profile generic: MQTT 5.0"
	rows := []row{
		{name: "CONNACK properties", run: hasProperties("c", map[byte]uint32{0x22: 65535, 0x24: 0, 0x29: 1, 0x13: 0}, keepAlive(0))},
		{name: "QoS 2", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(2, "t")
			w.send(w.publishPacket(4, 1, "t", "x"))
			w.expect("PUBREC 1 00")
			got := w.raw()
			if words := describe(got, version); words != "PUBLISH t q2 x" {
				t.Fatal(words)
			}
			w.send(packet(0x62, u16(1)))
			w.expect("PUBCOMP 1 00")
			id := packetID(got)
			w.send(packet(0x50, u16(id)))
			w.expect(fmt.Sprintf("PUBREL %d 00", id))
			w.send(packet(0x70, u16(id)))
			w.quiet()
		}},
		{name: "subscription identifiers", run: exchange(func(w *wire) [][]byte {
			return [][]byte{
				packet(0x82, u16(1), properties(5, []byte{0x0b, 5}), str("t"), []byte{0}),
				packet(0x82, u16(2), properties(5, []byte{0x0b, 6}), str("+"), []byte{1}),
				w.publishPacket(2, 3, "t", "x"),
			}
		}, "SUBACK 1 00", "SUBACK 2 01", "PUBACK 3 00", "PUBLISH t q1 id=5 id=6 x")},
		{name: "subscription identifier 0", run: exchange(func(*wire) [][]byte {
			return [][]byte{packet(0x82, u16(1), properties(5, []byte{0x0b, 0}), str("t"), []byte{0})}
		}, "DISCONNECT 82", "closed")},
		{name: "two subscription identifiers", run: exchange(func(*wire) [][]byte {
			return [][]byte{packet(0x82, u16(1), properties(5, []byte{0x0b, 1, 0x0b, 2}), str("t"), []byte{0})}
		}, "DISCONNECT 82", "closed")},
		{name: "$aws/rules/ is nothing special", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.subscribePacket(1, 0, "$aws/rules/#"), w.publishPacket(0, 0, "$aws/rules/rule/t", "x")}
		}, "SUBACK 1 00", "PUBLISH $aws/rules/rule/t q0 x")},
		{name: "a/# matches a", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.subscribePacket(1, 0, "a/#"), w.publishPacket(0, 0, "a", "x")}
		}, "SUBACK 1 00", "PUBLISH a q0 x")},
		{name: "retained to wildcards", run: exchange(func(w *wire) [][]byte {
			return [][]byte{w.publishPacket(3, 1, "a/b", "kept"), w.subscribePacket(2, 1, "a/+")}
		}, "PUBACK 1 00", "SUBACK 2 01", "PUBLISH a/b q1 retain kept")},
		{name: "deep and long topics", run: publishes(2, strings.Repeat("long/", 100), "", "PUBACK 1 00", "PINGRESP")},
		{name: "large payloads", run: publishes(2, "t", strings.Repeat("x", 1<<20), "PUBACK 1 00", "PINGRESP")},
		{name: "packet over Maximum Packet Size", limits: `{"maximumPacketSize":1000}`, run: publishes(2, "t", strings.Repeat("x", 1000), "DISCONNECT 95", "closed")},
		{name: "many filters", run: subscribes(0, numbered(100, "f/%d"), "SUBACK 1"+strings.Repeat(" 00", 100), "PINGRESP")},
		{name: "no rate", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			for id := range uint16(500) {
				w.publish(id+1, "t", "")
			}
		}},
		{name: "UNSUBACK", run: exchange(func(w *wire) [][]byte { return [][]byte{w.unsubscribePacket(1, "not held")} }, "UNSUBACK 1 11")},
		{name: "client identifiers", run: func(t *testing.T, r *rig, version byte) {
			r.connect(t, version, "$"+strings.Repeat("x", 200)).quiet()
		}},
		{name: "no lifecycle events", run: func(t *testing.T, r *rig, version byte) {
			w := r.connect(t, version, "c")
			w.subscribe(0, "$aws/events/#")
			r.connect(t, version, "d")
			w.quiet()
		}},
		{name: "unauthorised CONNECT, 3.1.1", version: 4, run: refused("c", "CONNACK 0 05"), allows: denies("iot:Connect")},
	}
	for i := range rows {
		rows[i].name, rows[i].source, rows[i].profile = "generic: "+rows[i].name, source, "generic"
	}
	return rows
}
