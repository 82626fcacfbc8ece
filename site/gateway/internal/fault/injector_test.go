package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/fault"
	"iotwasm/site/gateway/internal/shadow"
)

func TestFirstRuleWhoseTurnItIsStrikes(t *testing.T) {
	s := serve(t, `{"fault":"puback","action":"drop","every":3}`, `{"fault":"puback","action":"delay","delayMs":1,"times":1}`)
	c := s.dial(t)
	c.send(t, connect3+publish3+publish3+publish3+ping)
	for _, want := range []string{connack3, puback, pong} {
		if got, err := c.packet(t.Context()); err != nil || got != want && want == connack3 {
			t.Fatal(got, err)
		}
	}
	got, _ := json.Marshal(s.injector.List())
	if want := `[{"id":"1","rule":{"fault":"puback","action":"drop","every":3},"seen":3,"applied":1,"spent":false},` +
		`{"id":"2","rule":{"fault":"puback","action":"delay","times":1,"delayMs":1},"seen":1,"applied":1,"spent":true}]`; string(got) != want {
		t.Errorf("%s", got)
	}
	if s.injector.Remove("3") || s.injector.Remove("01") || !s.injector.Remove("1") || len(s.injector.List()) != 1 {
		t.Error("removed what was not asked for")
	}
}

func TestShadowFaults(t *testing.T) {
	s := serve(t)
	// A flag may have set this.
	if err := s.shadows.SetCreationFault(shadow.CreationFault{Spacing: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ask := func(thing, name string) int {
		return s.shadows.Do(shadow.Request{Operation: shadow.Update, Thing: thing, Shadow: name, Payload: []byte(`{"state":{"desired":{"a":1}}}`)}, time.Now()).Code
	}
	id := s.add(t, `{"fault":"shadow","action":"refuse","status":500,"times":2,"every":2,"match":{"thing":"a"}}`)
	rule, _ := fault.ParseRule([]byte(`{"fault":"shadow","action":"drop"}`))
	if _, err := s.injector.Add(*rule); !errors.Is(err, fault.ErrTaken) {
		t.Errorf("a second fault: %v", err)
	}
	var codes []int
	for range 6 {
		codes = append(codes, ask("a", ""), ask("b", ""))
	}
	if want := "[200 200 500 200 200 200 500 200 200 200 200 200]"; fmt.Sprint(codes) != want {
		t.Errorf("codes %v, want %s", codes, want)
	}
	if got := s.injector.List()[0]; *got.Applied != 2 || !got.Spent {
		t.Errorf("%+v", got)
	}
	second := s.add(t, `{"fault":"shadow","action":"refuse","status":429}`)
	s.injector.Remove(id) // is spent, and has nothing to do with the other
	if got := ask("a", ""); got != 429 {
		t.Errorf("code %d", got)
	}
	if got := s.injector.List()[0]; *got.Applied != 1 || got.Spent {
		t.Errorf("%+v", got)
	}
	s.injector.Remove(second)
	if got := ask("a", ""); got != 200 {
		t.Errorf("code %d", got)
	}

	creation := s.add(t, `{"fault":"shadowCreation","action":"refuse","withinMs":60000}`)
	if got := fmt.Sprint(ask("c", "x"), ask("c", "y"), ask("d", "x")); got != "200 429 200" {
		t.Errorf("codes %s", got)
	}
	s.injector.Remove(creation)
	if got := s.shadows.CreationFault().Spacing; got != time.Hour {
		t.Errorf("spacing %v", got)
	}
}

func TestTooManyRules(t *testing.T) {
	s := serve(t)
	rule, _ := fault.ParseRule([]byte(`{"fault":"kill"}`))
	for range 256 {
		if _, err := s.injector.Add(*rule); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.injector.Add(*rule); !errors.Is(err, fault.ErrTooMany) {
		t.Error(err)
	}
}

// For the race detector: rules come and go, and so do connections.
func TestRulesChangeUnderWay(t *testing.T) {
	s := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range 4 {
		id := string(rune('a' + i))
		all.Go(func() {
			for ctx.Err() == nil {
				c := s.dial(t)
				c.send(t, "\x10\x0d\x00\x04MQTT\x04\x02\x00\x1e\x00\x01"+id+sub3)
				all.Go(func() {
					for range 20 {
						if c.ws.Write(ctx, 2, []byte(publish3+ping)) != nil {
							return
						}
					}
				})
				for range 40 {
					if _, err := c.packet(ctx); err != nil {
						break
					}
				}
				_ = c.ws.CloseNow()
			}
		})
	}
	for _, text := range []string{
		`{"fault":"publish","action":"reorder","every":2}`, `{"fault":"publish","action":"duplicate","delayMs":1}`, `{"fault":"frames","action":"split","every":3}`,
		`{"fault":"frames","action":"merge","delayMs":1}`, `{"fault":"connack","action":"delay","delayMs":1}`, `{"fault":"kill","on":"puback","delayMs":1,"every":9}`,
		`{"fault":"disconnect","on":"publish","reasonCode":1,"every":9}`, `{"fault":"freeze","on":"pingresp","every":50,"match":{"clientId":"a"}}`, `{"fault":"read","bytes":3,"delayMs":1}`,
	} {
		all.Go(func() {
			for ctx.Err() == nil {
				id := s.add(t, text)
				s.injector.List()
				time.Sleep(5 * time.Millisecond)
				s.injector.Remove(id)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			s.injector.Kill("b")
			s.injector.Disconnect("c", 0x98)
			time.Sleep(7 * time.Millisecond)
			s.injector.Freeze("d")
		}
	})
	all.Wait()
	s.injector.Clear()
}
