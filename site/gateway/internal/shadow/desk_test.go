package shadow

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// published is a Desk, and what it has said.
type published struct {
	*Desk
	service *Service
	mu      sync.Mutex
	topics  []string // after $aws/things/
}

func newDesk() *published {
	p := &published{service: NewService(DefaultLimits(), CreationFault{})}
	p.Desk = NewDesk(p.service, time.Now, slog.New(slog.NewTextHandler(io.Discard, nil)))
	p.Publish = func(m Message) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.topics = append(p.topics, strings.TrimPrefix(m.Topic, prefix))
	}
	return p
}

// expect compares what was said since the last time.
func (p *published) expect(t *testing.T, want ...string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !reflect.DeepEqual(p.topics, want) {
		t.Errorf("published %q, want %q", p.topics, want)
	}
	p.topics = nil
}

const desired = `{"state":{"desired":{"a":1}}}`

func TestDeskTopic(t *testing.T) {
	p := newDesk()
	p.Topic(prefix+"T/shadow/update", []byte(desired))
	p.expect(t, "T/shadow/update/delta", "T/shadow/update/documents", "T/shadow/update/accepted")
	p.Topic(prefix+"T/shadow/update/accepted", nil)
	p.expect(t)
}

// [doc S5] no MQTT error message comes of a request over HTTP.
func TestDeskAsk(t *testing.T) {
	p := newDesk()
	ask := func(operation Operation, payload string, code int) {
		t.Helper()
		answer, err := p.Ask(t.Context(), Request{Operation: operation, Thing: "T", Payload: []byte(payload)})
		if err != nil || answer.Code != code {
			t.Errorf("%s: %d %v", operation, answer.Code, err)
		}
	}
	ask(Get, "", 404)
	ask(Update, "{", 400)
	p.expect(t)
	ask(Update, desired, 200)
	p.expect(t, "T/shadow/update/delta", "T/shadow/update/documents", "T/shadow/update/accepted")
	ask(Get, "", 200)
	ask(List, "", 200)
	p.expect(t)
	ask(Delete, "", 200)
	p.expect(t, "T/shadow/delete/accepted")
}

func TestDelayedAnswersKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newDesk()
		if err := p.service.SetFault(Fault{Delay: time.Second, Requests: 1}); err != nil {
			t.Fatal(err)
		}
		p.Topic(prefix+"T/shadow/get", nil) // late
		p.Topic(prefix+"T/shadow/update", []byte(`{"state":{}}`))
		p.Topic(prefix+"T/shadow/name/S/get", nil) // another shadow does not wait
		synctest.Wait()
		p.expect(t, "T/shadow/name/S/get/rejected")
		time.Sleep(time.Second - 1)
		synctest.Wait()
		p.expect(t)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		p.expect(t, "T/shadow/get/rejected", "T/shadow/update/documents", "T/shadow/update/accepted")
		if len(p.late) > 0 {
			t.Error("still waiting")
		}
	})
}

func TestDelayedAnswersAreInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newDesk()
		p.service.limits.InFlight = 10
		p.service.meter = newMeter(p.service.limits)
		if err := p.service.SetFault(Fault{Delay: time.Second}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		codes := make(chan int, 11)
		for i := range 11 {
			all.Go(func() {
				time.Sleep(time.Duration(i)) // one after another
				answer, err := p.Ask(t.Context(), Request{Operation: Update, Thing: "T", Payload: []byte(desired)})
				if err != nil {
					t.Error(err)
				}
				codes <- answer.Code
			})
		}
		all.Wait()
		close(codes)
		count := map[int]int{}
		for code := range codes {
			count[code]++
		}
		if count[200] != 10 || count[429] != 1 {
			t.Errorf("%v", count)
		}
	})
}

func TestAskEndsWithItsContextOrTheDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newDesk()
		if err := p.service.SetFault(Fault{Delay: time.Minute}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := p.Ask(ctx, Request{Operation: Get, Thing: "T"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.AfterFunc(time.Second, p.Close)
		if _, err := p.Ask(t.Context(), Request{Operation: Get, Thing: "U"}); !errors.Is(err, errClosed) {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		p.expect(t)

		// What comes later is not carried out.
		p.Topic(prefix+"T/shadow/update", []byte(desired))
		if _, err := p.Ask(t.Context(), Request{Operation: Update, Thing: "T", Payload: []byte(desired)}); !errors.Is(err, errClosed) {
			t.Error(err)
		}
		if all, err := p.service.Shadows(); err != nil || len(all) > 0 {
			t.Errorf("%v %v", all, err)
		}
		p.expect(t)
	})
}

func TestLostAnswers(t *testing.T) {
	p := newDesk()
	if err := p.service.SetFault(Fault{Drop: true, Requests: 2}); err != nil {
		t.Fatal(err)
	}
	p.Topic(prefix+"T/shadow/update", []byte(desired))
	p.expect(t, "T/shadow/update/delta", "T/shadow/update/documents")
	if answer, err := p.Ask(t.Context(), Request{Operation: Delete, Thing: "T"}); err != nil || !answer.Lost {
		t.Errorf("%+v %v", answer, err)
	}
	p.expect(t)
	p.Topic(prefix+"T/shadow/get", nil)
	p.expect(t, "T/shadow/get/rejected") // the deletion was carried out
}

func TestFaultStrikes(t *testing.T) {
	every := func(code, of, from, n int) []int {
		codes := make([]int, n)
		for i := range codes {
			if codes[i] = 200; i%of == of-1 && i >= from {
				codes[i] = code
			}
		}
		return codes
	}
	for name, test := range map[string]struct {
		fault Fault
		want  []int
		left  Fault
	}{
		"none":             {Fault{}, every(0, 100, 0, 5), Fault{}},
		"all":              {Fault{Code: 500}, every(500, 1, 0, 5), Fault{Code: 500}},
		"the next two":     {Fault{Code: 429, Requests: 2}, []int{429, 429, 200, 200}, Fault{}},
		"two of five":      {Fault{Code: 500, Requests: 5}, []int{500, 500}, Fault{Code: 500, Requests: 3}},
		"every tenth":      {Fault{Code: 429, Share: 0.1}, every(429, 10, 0, 30), Fault{Code: 429, Share: 0.1}},
		"every other, one": {Fault{Code: 503, Share: 0.5, Requests: 1}, []int{200, 503, 200, 200}, Fault{}},
		"another thing":    {Fault{Code: 500, Thing: "U"}, every(0, 100, 0, 3), Fault{Code: 500, Thing: "U"}},
		"this thing":       {Fault{Code: 500, Thing: "T"}, []int{500}, Fault{Code: 500, Thing: "T"}},
	} {
		t.Run(name, func(t *testing.T) {
			service := NewService(DefaultLimits(), CreationFault{})
			if err := service.SetFault(test.fault); err != nil {
				t.Fatal(err)
			}
			var got []int
			for range test.want {
				code, done := update(service, "T", start)
				done()
				got = append(got, code)
			}
			if !reflect.DeepEqual(got, test.want) || service.Fault() != test.left {
				t.Errorf("%v, left %+v", got, service.Fault())
			}
		})
	}
}

// A request which the fault refuses changes nothing, and is told so in MQTT's codes.
func TestFaultRejection(t *testing.T) {
	for code, want := range map[int]string{
		429: `{"code":429,"message":"Too many requests"}`,
		500: `{"code":500,"message":"Internal service failure"}`,
		503: `{"code":500,"message":"Internal service failure"}`,
	} {
		service := NewService(DefaultLimits(), CreationFault{})
		if err := service.SetFault(Fault{Code: code, Requests: 1}); err != nil {
			t.Fatal(err)
		}
		compare(t, 0, service.Handle(named+"/update", []byte(desired), start), []string{"update/rejected " + want}, start)
		compare(t, 1, service.Handle(named+"/get", nil, start), []string{`get/rejected {"code":404,"message":"No shadow exists with name: 'T~S'"}`}, start)
	}
}

func TestWrongFaults(t *testing.T) {
	service := NewService(DefaultLimits(), CreationFault{})
	for _, f := range []Fault{{Code: 404}, {Delay: -1}, {Delay: time.Hour}, {Requests: -1}, {Share: -0.1}, {Share: 1.1}, {Share: nan()}, {Thing: "a/b"}} {
		if service.SetFault(f) == nil {
			t.Errorf("%+v: taken", f)
		}
	}
	if service.SetCreationFault(CreationFault{Spacing: -1}) == nil {
		t.Error("a negative spacing: taken")
	}
	if err := service.SetCreationFault(CreationFault{Spacing: time.Second, Drop: true}); err != nil || !service.CreationFault().Drop {
		t.Errorf("%+v %v", service.CreationFault(), err)
	}
}

func nan() float64 {
	zero := 0.0
	return zero / zero
}

// With -race: everything at once.
func TestConcurrentUse(t *testing.T) {
	p := newDesk()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				p.Topic(fmt.Sprintf("%sT%d/shadow/update", prefix, i%2), []byte(desired))
				if _, err := p.Ask(t.Context(), Request{Operation: Get, Thing: "T0"}); err != nil {
					t.Error(err)
				}
				if err := p.service.SetFault(Fault{Delay: time.Millisecond, Share: 0.5, Requests: 1}); err != nil {
					t.Error(err)
				}
				p.service.Fault()
				if _, err := p.service.Shadows(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if all, err := p.service.Shadows(); err != nil || len(all) != 2 || all[0].Version != 200 || all[1].Version != 200 {
		t.Errorf("%+v %v", all, err)
	}
}
