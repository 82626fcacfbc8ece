package shadowapi

import (
	"net/http"
	"time"

	"iotwasm/site/gateway/internal/sigv4"
)

// ErrUnsigned says that a request carries no signature at all.
var ErrUnsigned = sigv4.ErrUnsigned

// Signatures is a Verifier of AWS Signature Version 4, in the Authorization header or
// in the query, over the body too. Its errors are for the log, and hold no secret.
type Signatures struct {
	Region string
	Keys   sigv4.Keys
}

// Verify implements Verifier.
func (s *Signatures) Verify(r *http.Request, body []byte, now time.Time) error {
	_, err := (&sigv4.Verifier{Keys: s.Keys, Region: s.Region}).VerifyData(r, body, now)
	return err
}
