package fault

import (
	"fmt"
	"net"
	"slices"
	"time"
)

// kinds are the packets to a client which rules know, by their types.
var kinds = map[byte]string{
	typeConnack: Connack, typePublish: Publish, typePuback: Puback, typePubrec: Pubrec, typePubrel: Pubrel, typePubcomp: Pubcomp,
	typeSuback: Suback, typeUnsuback: Unsuback, typePingresp: Pingresp,
}

// Write takes packets, whole or in pieces, and lets the rules at them.
func (c *Conn) Write(p []byte) (int, error) {
	if c.frozen.Load() {
		return len(p), nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.feed(p, c.packet); err != nil {
		return 0, err
	}
	return len(p), nil
}

// packet writes a packet, or does to it what a rule says. c.mu is held.
func (c *Conn) packet(p []byte) error {
	if c.over.Load() {
		return net.ErrClosed
	}
	if err := c.flushLate(time.Now()); err != nil {
		return err
	}
	kind := kinds[p[0]>>4]
	var topics []string
	switch kind {
	case "":
		return c.emit(p, 0)
	case Connack:
		c.assigned(p)
	case Publish:
		topic, id, _, _ := published(p, byte(c.version.Load()))
		topics = []string{topic}
		if p[0]>>1&3 == 2 {
			c.expect(typePubrel, id, topic)
		}
	case Puback, Pubrec, Pubrel, Pubcomp, Suback, Unsuback:
		topics = c.expected(p)
	}
	swapped := c.swap
	rule := c.strike(func(r *Rule) bool {
		switch r.Fault {
		case kind:
			if r.Action == reorder && swapped != nil || kind == Connack && r.Action == refuse { // see begin
				return false
			}
		case Disconnect, Kill, Freeze:
			if r.On != kind {
				return false
			}
		default:
			return false
		}
		return matches(r.Match.Topic, topics)
	})
	if err := c.apply(rule, kind, p); err != nil {
		return err
	}
	if kind == Publish && swapped != nil {
		return c.overtaken(swapped)
	}
	return nil
}

// assigned notes the client identifier which the broker chose.
func (c *Conn) assigned(p []byte) {
	if id := c.clientID.Load(); id == nil || *id != "" || c.version.Load() < version5 {
		return
	}
	b := body(p)
	b.bytes(2)
	if id := property(b.properties(), propertyAssignedID); len(id) > 0 {
		c.identify(string(id))
	}
}

func (c *Conn) apply(rule *Rule, kind string, p []byte) error {
	if rule == nil {
		return c.emit(p, 0)
	}
	if kind != rule.Fault { // it ends the connection
		if kind == Connack {
			if err := c.emit(p, 0); err != nil {
				return err
			}
		}
		c.strikeDown(rule)
		return nil
	}
	switch rule.Action {
	case drop:
		return nil
	case delay:
		if kind == Connack { // nothing may come before it
			c.floor = time.Now().Add(rule.wait())
			return c.emit(p, 0)
		}
		return c.emit(p, rule.wait())
	case refuse:
		if changed := refused(p, byte(c.version.Load()), rule.code()); changed != nil {
			p = changed
		}
		return c.emit(p, 0)
	case reorder:
		c.swap = c.post(p, time.Now().Add(rule.wait()))
		return nil
	case duplicate:
		if err := c.emit(p, 0); err != nil {
			return err
		}
		again := slices.Clone(p) // p is the writer's
		again[0] &^= 0x08        // DUP
		for range rule.Copies {
			if err := c.emit(again, rule.wait()); err != nil {
				return err
			}
		}
		return nil
	}
	return c.emit(p, 0)
}

// strikeDown ends the connection as the rule says, now or later. c.mu is held.
func (c *Conn) strikeDown(rule *Rule) {
	act := func() {
		switch rule.Fault {
		case Kill:
			c.kill()
		case Freeze:
			c.freeze()
		case Disconnect:
			c.disconnectNow(rule.code())
		}
	}
	if rule.DelayMs == 0 {
		act()
		return
	}
	time.AfterFunc(rule.wait(), func() {
		if rule.Fault == Disconnect {
			c.disconnect(rule.code())
			return
		}
		act()
	})
}

// emit sends a packet now or after a while, and later packets may overtake it. c.mu
// is held.
func (c *Conn) emit(p []byte, wait time.Duration) error {
	now := time.Now()
	due := now.Add(wait)
	if due.Before(c.floor) {
		due = c.floor
	}
	if due.After(now) {
		c.post(p, due)
		return nil
	}
	if err := c.flushLate(now); err != nil { // what became due by now was to be before it
		return err
	}
	return c.send(p)
}

// post queues a packet, behind those which are due at the same time.
func (c *Conn) post(p []byte, due time.Time) *parcel {
	at, _ := slices.BinarySearchFunc(c.late, due, func(p *parcel, due time.Time) int {
		if p.due.After(due) {
			return 1
		}
		return -1
	})
	posted := &parcel{due, slices.Clone(p)}
	c.late = slices.Insert(c.late, at, posted)
	c.wind()
	return posted
}

// wind sets the timer for the first parcel.
func (c *Conn) wind() {
	if len(c.late) == 0 {
		return
	}
	wait := time.Until(c.late[0].due)
	if c.timer != nil {
		c.timer.Reset(wait)
		return
	}
	c.timer = time.AfterFunc(wait, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		_ = c.flushLate(time.Now()) // the reader notices a broken connection
		c.wind()
	})
}

// flushLate sends what is due. c.mu is held.
func (c *Conn) flushLate(now time.Time) error {
	for len(c.late) > 0 && !c.late[0].due.After(now) {
		first := c.late[0]
		c.late = c.late[1:]
		if c.swap == first {
			c.swap = nil // nothing came to overtake it
		}
		if err := c.send(first.packet); err != nil {
			return err
		}
	}
	return nil
}

// overtaken sends a parcel which waited for the PUBLISH that went out now.
func (c *Conn) overtaken(p *parcel) error {
	if c.swap != p {
		return nil // it had waited long enough
	}
	c.swap = nil
	c.late = slices.DeleteFunc(c.late, func(other *parcel) bool { return other == p })
	return c.emit(p.packet, 0)
}

// send hands bytes to the stream, or to what gathers to go out together. c.mu is held.
func (c *Conn) send(p []byte) error {
	if c.frozen.Load() {
		return nil
	}
	if c.over.Load() {
		return net.ErrClosed
	}
	if !c.merging {
		rule := c.strike(func(r *Rule) bool { return r.Fault == Frames && r.Action == merge })
		if rule == nil {
			return c.pass(p)
		}
		c.merging = true
		time.AfterFunc(rule.wait(), func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			_ = c.flushMerged() // the reader notices a broken connection
		})
	}
	c.merged = append(c.merged, p...)
	return nil
}

func (c *Conn) flushMerged() error {
	together := c.merged
	c.merging, c.merged = false, nil
	if len(together) == 0 || c.frozen.Load() {
		return nil
	}
	return c.pass(together)
}

func (c *Conn) pass(p []byte) error {
	if _, err := c.Stream.Write(p); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	return nil
}

// shape says how bytes go out. The stream calls it from a goroutine of its own.
func (c *Conn) shape(out []byte) [][][]byte {
	rule := c.strike(func(r *Rule) bool { return r.Fault == Frames && r.Action != merge })
	if rule == nil {
		return nil
	}
	var messages [][][]byte
	switch rule.Action {
	case split:
		for piece := range slices.Chunk(out, rule.Bytes) {
			messages = append(messages, [][]byte{piece})
		}
	case fragment:
		messages = [][][]byte{slices.Collect(slices.Chunk(out, rule.Bytes))}
	case empty:
		for range rule.Copies {
			messages = append(messages, [][]byte{{}})
		}
		messages = append(messages, [][]byte{out})
	}
	return messages
}
