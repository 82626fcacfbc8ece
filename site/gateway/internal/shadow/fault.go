package shadow

import "time"

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

// tooSoon reports whether the fault refuses the thing another named shadow.
func (s *Service) tooSoon(thing string, now time.Time) bool {
	last, some := s.created[thing]
	return some && now.Sub(last) < s.fault.Spacing
}
