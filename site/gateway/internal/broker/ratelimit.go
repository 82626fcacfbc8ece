package broker

import "time"

// bucket is a token bucket. One goroutine at a time uses it; a nil one has no bounds.
type bucket struct {
	rate, burst, tokens float64
	at                  time.Time
}

// newBucket returns a full bucket, or none if rate is 0. A burst of less than one
// would let nothing through.
func newBucket(rate, burst float64, now time.Time) *bucket {
	if rate <= 0 {
		return nil
	}
	burst = max(burst, 1)
	return &bucket{rate: rate, burst: burst, tokens: burst, at: now}
}

func (b *bucket) refill(now time.Time) {
	b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.rate)
	b.at = now
}

// wait tells how long it is until one token is there.
func (b *bucket) wait(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.refill(now)
	if b.tokens >= 1 {
		return 0
	}
	// One nanosecond more than rounded down, so that the token is there by then.
	return time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + 1
}

// spend takes n tokens, into debt if need be.
func (b *bucket) spend(n float64, now time.Time) {
	if b == nil {
		return
	}
	b.refill(now)
	b.tokens -= n
}

// take spends one token if it is there.
func (b *bucket) take(now time.Time) bool {
	if b.wait(now) > 0 {
		return false
	}
	b.spend(1, now)
	return true
}
