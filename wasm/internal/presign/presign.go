// Package presign makes the WebSocket URL that AWS IoT Core accepts: endpoint,
// credentials and a time in, a URL signed with Signature Version 4 out.
//
// It is pure: the time is an argument, nothing is kept, nothing is logged, and
// any goroutine may call it. The URL is a bearer secret; so are the credentials,
// and neither appears in an error. It imports aws-sdk-go-v2's signer and nothing
// of this module.
//
// AWS IoT departs from other services in one point: the session token is not
// part of what is signed and is appended after the signature (AWS IoT developer
// guide, "MQTT over the WebSocket protocol").
package presign

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	service   = "iotdevicegateway"
	path      = "/mqtt"
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of nothing
	maxExpiry = 604800 * time.Second                                               // AWS Signature Version 4: X-Amz-Expires is at most a week
)

// Credentials are AWS credentials. They format as a placeholder, whatever the
// verb.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // empty for long-term credentials
}

// String returns a placeholder.
func (Credentials) String() string { return "[credentials]" }

// GoString returns a placeholder.
func (Credentials) GoString() string { return "[credentials]" }

// Request says what to sign.
type Request struct {
	// Endpoint is a host, a host and port, or a ws or wss URL whose path is
	// empty, "/" or "/mqtt". Without a scheme it is wss. ws is refused unless
	// the host is a loopback one.
	Endpoint string
	// Region is read from the Endpoint where it is empty.
	Region      string
	Credentials Credentials
	// Expires, if not 0, adds a signed X-Amz-Expires of 1 second to 7 days.
	// AWS IoT does not ask for it.
	Expires time.Duration
}

// FieldError says that a field of a Request is wrong.
type FieldError struct {
	Field string // as the page names it: "endpoint", "credentials.secretAccessKey"
	Must  string // what it must be, completing "endpoint must …"
}

// Error names the field and what it must be.
func (e *FieldError) Error() string { return e.Field + " must " + e.Must }

// URL returns the wss or ws URL signed for now.
//
// Every error is a *FieldError.
func URL(r Request, now time.Time) (string, error) {
	scheme, host, err := parseEndpoint(r.Endpoint)
	if err != nil {
		return "", err
	}
	region, err := pickRegion(r.Region, host)
	if err != nil {
		return "", err
	}
	if err := checkCredentials(r.Credentials); err != nil {
		return "", err
	}
	query := ""
	if r.Expires != 0 {
		if r.Expires < time.Second || r.Expires > maxExpiry {
			return "", &FieldError{"expires", "be from 1 to 604800 seconds"}
		}
		query = "X-Amz-Expires=" + strconv.Itoa(int(r.Expires/time.Second))
	}
	if now.IsZero() || now.Year() < 1 || now.Year() > 9999 {
		return "", &FieldError{"date", "be a valid date"}
	}
	req := &http.Request{
		Method: http.MethodGet,
		URL:    &url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query},
		Host:   host,
	}
	// A signer keeps the derived key of an access key id whatever its secret, so
	// each URL takes a new one.
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableSessionToken = true })
	signed, _, err := signer.PresignHTTP(context.Background(), aws.Credentials{
		AccessKeyID: r.Credentials.AccessKeyID, SecretAccessKey: r.Credentials.SecretAccessKey,
	}, req, emptyHash, service, region, now.UTC())
	if err != nil {
		return "", &FieldError{"credentials", "be usable for signing"}
	}
	if t := r.Credentials.SessionToken; t != "" {
		signed += "&X-Amz-Security-Token=" + url.QueryEscape(t)
	}
	return signed, nil
}

func checkCredentials(c Credentials) error {
	const printable = "be without spaces and control characters"
	switch {
	case c.AccessKeyID == "":
		return &FieldError{"credentials.accessKeyId", "be a non-empty string"}
	case c.SecretAccessKey == "":
		return &FieldError{"credentials.secretAccessKey", "be a non-empty string"}
	case !isVisible(c.AccessKeyID):
		return &FieldError{"credentials.accessKeyId", printable}
	case !isVisible(c.SecretAccessKey):
		return &FieldError{"credentials.secretAccessKey", printable}
	case !isVisible(c.SessionToken):
		return &FieldError{"credentials.sessionToken", printable}
	case strings.HasPrefix(c.AccessKeyID, "ASIA") && c.SessionToken == "":
		return &FieldError{"credentials.sessionToken", "be given with temporary credentials (an access key id that begins with ASIA)"}
	}
	return nil
}

// isVisible reports whether s has no white space or control character, which a
// careless paste brings along.
func isVisible(s string) bool {
	for _, r := range s {
		if r <= ' ' || r == 0x7f || r == 0xa0 {
			return false
		}
	}
	return true
}
