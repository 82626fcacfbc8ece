// Package credentials owns the access keys of the gateway: the permanent ones it is
// started with, and the temporary ones it issues at /credentials in the place of AWS
// STS or an Amazon Cognito identity pool. Nothing is kept beyond the run.
//
// It imports sigv4, whose verifier looks keys up; web calls the handler, after its
// own check of host and origin. Both come from net/http's goroutines.
package credentials

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"iotwasm/site/gateway/internal/sigv4"
)

const (
	// DefaultDuration is how long temporary credentials are good for, as AWS STS has it.
	DefaultDuration = time.Hour
	// MinDuration is far below that of AWS, so that a test can see them expire.
	MinDuration = time.Second
	// MaxDuration is that of an assumed role.
	MaxDuration = 12 * time.Hour

	// maxIssued bounds what a page that asks in a loop costs; the oldest go first.
	maxIssued = 1000

	// Sizes as those of AWS STS; the token's Base64 ends with padding, as often there.
	keyIDBytes, secretBytes, tokenBytes = 10, 30, 400
)

// Store is the access keys.
type Store struct {
	permanent map[string]sigv4.Credentials

	mu     sync.Mutex
	issued map[string]sigv4.Credentials
	order  []string // ids of issued, the oldest first
}

// NewStore returns a store with permanent access keys, whose ids must differ.
func NewStore(permanent ...sigv4.Credentials) (*Store, error) {
	s := &Store{permanent: map[string]sigv4.Credentials{}, issued: map[string]sigv4.Credentials{}}
	for _, c := range permanent {
		if c.AccessKeyID == "" || c.SecretAccessKey() == "" {
			return nil, fmt.Errorf("an access key needs an id and a secret")
		}
		if _, again := s.permanent[c.AccessKeyID]; again {
			return nil, fmt.Errorf("access key id %s is given twice", c.AccessKeyID)
		}
		s.permanent[c.AccessKeyID] = c
	}
	return s, nil
}

// Find returns the credentials of an access key id, expired ones too.
func (s *Store) Find(accessKeyID string) (sigv4.Credentials, bool) {
	if c, ok := s.permanent[accessKeyID]; ok {
		return c, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.issued[accessKeyID]
	return c, ok
}

// Issue makes temporary credentials.
func (s *Store) Issue(now time.Time, duration time.Duration) sigv4.Credentials {
	c := sigv4.NewTemporaryCredentials(
		"ASIA"+base32.StdEncoding.EncodeToString(random(keyIDBytes)),
		base64.StdEncoding.EncodeToString(random(secretBytes)),
		base64.StdEncoding.EncodeToString(random(tokenBytes)),
		// Whole seconds, as their text has them.
		now.Add(duration).Truncate(time.Second),
	)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == maxIssued {
		delete(s.issued, s.order[0])
		s.order = append(s.order[:0], s.order[1:]...)
	}
	s.order = append(s.order, c.AccessKeyID)
	s.issued[c.AccessKeyID] = c
	return c
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
