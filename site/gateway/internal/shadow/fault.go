package shadow

import (
	"errors"
	"fmt"
	"time"
)

// CreationFault refuses named shadows of one thing which are created back to back.
// AWS documents no such rule, but applications which create several in a row see some
// of them refused: with the fault they can be tried out against that. The zero value
// is no fault.
type CreationFault struct {
	// Spacing is how long after the creation of a named shadow no other one of the
	// same thing is created. What is refused does not prolong it.
	Spacing time.Duration
	// Drop leaves a refused request without an answer; otherwise it gets a 429.
	Drop bool
}

// Fault is what goes wrong with requests, whatever they ask for. The zero value is no
// fault.
type Fault struct {
	// Code refuses a request with 429, 500 or 503, and nothing changes; 0 carries it
	// out. 503 is HTTP's only: a request over MQTT gets 500.
	Code int
	// Delay is for how long answers are held back.
	Delay time.Duration
	// Drop loses the answer, and only that: the request is carried out, and others
	// are told of the change.
	Drop bool
	// Requests is how many requests are struck before the fault ends by itself; 0 is
	// no end.
	Requests int
	// Share is which part of the requests is struck, evenly spread: with 0.25, every
	// fourth. 0 is all of them.
	Share float64
	// Thing strikes the requests for one thing only; empty is all things.
	Thing string
}

// maxDelay keeps a mistyped delay from holding answers for ever.
const maxDelay = 10 * time.Minute

// Check says what is wrong with a fault that was asked for.
func (f Fault) Check() error {
	switch {
	case f.Code != 0 && f.Code != 429 && f.Code != 500 && f.Code != 503:
		return fmt.Errorf("fault code %d: want 429, 500 or 503", f.Code)
	case f.Delay < 0 || f.Delay > maxDelay:
		return fmt.Errorf("fault delay %v: want 0 to %v", f.Delay, maxDelay)
	case f.Requests < 0:
		return fmt.Errorf("fault of %d requests: want 0 or more", f.Requests)
	case !(f.Share >= 0 && f.Share <= 1): // NaN too
		return fmt.Errorf("fault share %v: want 0 to 1", f.Share)
	case f.Thing != "" && !thingPattern.MatchString(f.Thing):
		return errors.New("fault thing: not the name of a thing")
	}
	return nil
}

// SetFault replaces the fault of the requests to come, or refuses to.
func (s *Service) SetFault(f Fault) error {
	if err := f.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.plan, s.faults.credit = f, 0
	return nil
}

// Fault returns what is left of the fault; it is zero once it has ended.
func (s *Service) Fault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.plan
}

// SetCreationFault replaces the creation fault. What was created under the one before
// counts.
func (s *Service) SetCreationFault(f CreationFault) error {
	if f.Spacing < 0 {
		return fmt.Errorf("creation spacing %v: want 0 or more", f.Spacing)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.creation = f
	return nil
}

// CreationFault returns the creation fault.
func (s *Service) CreationFault() CreationFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.creation
}

var (
	// tooMany is code 429, whose text is not published.
	tooMany         = &rejection{429, "Too many requests"}
	internalFailure = &rejection{500, "Internal service failure"}
	// errSilent is a refusal which who asked is not told of.
	errSilent = errors.New("refused without an answer")
)

// faults is the state of what goes wrong.
type faults struct {
	plan   Fault
	credit float64 // of the share

	creation CreationFault
	created  map[string]time.Time // by thing, of its last named shadow
	sweepAt  int
}

func newFaults(creation CreationFault) *faults {
	return &faults{creation: creation, created: map[string]time.Time{}, sweepAt: sweepEvery}
}

// strike returns the fault if it strikes a request for thing, and zero if it does not.
func (f *faults) strike(thing string) Fault {
	struck := f.plan
	if struck == (Fault{}) || struck.Thing != "" && struck.Thing != thing {
		return Fault{}
	}
	if struck.Share > 0 {
		// A little more, so that ten times 0.1 is one.
		if f.credit += struck.Share + 1e-12; f.credit < 1 {
			return Fault{}
		}
		f.credit--
	}
	if struck.Requests > 0 {
		if f.plan.Requests--; f.plan.Requests == 0 {
			f.plan = Fault{}
		}
	}
	return struck
}

func (f Fault) rejection() error {
	switch f.Code {
	case 0:
		return nil
	case 429:
		return tooMany
	case 503:
		return &rejection{503, "Service unavailable"}
	default:
		return internalFailure
	}
}

// refuse says whether the thing is not to get another named shadow now.
func (f *faults) refuse(thing string, now time.Time) error {
	last, some := f.created[thing]
	switch {
	case !some || now.Sub(last) >= f.creation.Spacing:
		return nil
	case f.creation.Drop:
		return errSilent
	default:
		return tooMany
	}
}

// note keeps in mind that the thing got one.
func (f *faults) note(thing string, now time.Time) {
	if f.creation.Spacing == 0 {
		return
	}
	f.created[thing] = now
	f.sweep(now)
}

func (f *faults) sweep(now time.Time) {
	if len(f.created) < f.sweepAt {
		return
	}
	for thing, last := range f.created {
		if now.Sub(last) >= f.creation.Spacing {
			delete(f.created, thing)
		}
	}
	f.sweepAt = 2*len(f.created) + sweepEvery
}
