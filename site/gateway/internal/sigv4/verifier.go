// Package sigv4 owns access keys and the check of AWS Signature Version 4, as AWS IoT
// Core does it: in the query when a WebSocket is opened, and in the Authorization
// header or in the query of requests of the HTTPS data API. It is written from the
// specification ("Create a signed AWS API request", AWS IAM user guide) and the AWS IoT
// developer guide, and imports the standard library only. access and shadowapi call a
// Verifier from net/http's goroutines; it may be used from any.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// Service is the name which AWS IoT Core's WebSocket endpoint is signed for.
	Service = "iotdevicegateway"
	// DataService is the name which older SDKs, and those of the HTTP API, sign for.
	DataService = "iotdata"

	// A request must reach AWS within this time of its signing date.
	tolerance = 5 * time.Minute
)

// namePattern is the form of regions and services, which is fit for a log.
var namePattern = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// Keys is where access keys are looked up, from any goroutine.
type Keys interface {
	// Find returns the credentials of an access key id, expired ones too.
	Find(accessKeyID string) (Credentials, bool)
}

// Verifier checks requests against access keys in one region.
type Verifier struct {
	Keys   Keys
	Region string
	// AcceptData accepts upgrades which are signed for DataService as well.
	AcceptData bool
}

// Refusal says why a request was not accepted. Its text is for the log of the
// gateway: it holds no secret, and AWS would not tell the client either.
type Refusal struct{ Reason string }

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) error {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// ErrUnsigned is the *Refusal of a request of the data API without any signature.
var ErrUnsigned = refuse("the request is not signed")

// IsSigned reports whether r means to be authenticated by a signature in its query.
func IsSigned(r *http.Request) bool {
	parameters, err := parseQuery(r.URL.RawQuery)
	return err == nil && slices.ContainsFunc(parameters, func(p parameter) bool { return isClaim(p.name) })
}

// Verify returns the credentials by which r, which opens a WebSocket, is validly signed
// at the time now. The error is nil or a *Refusal.
func (v *Verifier) Verify(r *http.Request, now time.Time) (Credentials, error) {
	parameters, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return Credentials{}, refuse("%v", err)
	}
	c, err := queryClaim(parameters)
	if err != nil {
		return Credentials{}, err
	}
	services := []string{Service}
	if v.AcceptData {
		services = append(services, DataService)
	}
	// X-Amz-Expires prolongs nothing: the URL is a signed request, no pre-signed link.
	if err := v.checkScope(c, now, tolerance, services...); err != nil {
		return Credentials{}, err
	}
	credentials, ok := v.Keys.Find(c.accessKeyID)
	if !ok {
		return Credentials{}, unknownKey(c.accessKeyID, c.token)
	}

	key, payload := c.signingKey(credentials), payloadHash(nil)
	switch {
	case c.matches(r, key, payload, canonicalQuery(parameters, paramSignature, paramSecurityToken)):
	case c.matches(r, key, payload, canonicalQuery(parameters, paramSignature)):
		return Credentials{}, refuse("the session token was signed: AWS IoT wants it appended after signing")
	default:
		return Credentials{}, refuse("signature mismatch: wrong secret access key, or another host, path or query was signed")
	}
	return credentials.withToken(c.token, now)
}

// VerifyData returns the credentials by which r, a request of the HTTPS data API with
// the whole of its body, is validly signed at the time now: for DataService, as AWS's
// SDKs do, or for Service, as the developer guide says. The error is nil or a *Refusal.
func (v *Verifier) VerifyData(r *http.Request, body []byte, now time.Time) (Credentials, error) {
	parameters, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return Credentials{}, refuse("%v", err)
	}
	var c claim
	authorization := r.Header.Values("Authorization")
	inQuery := slices.ContainsFunc(parameters, func(p parameter) bool { return p.name == paramSignature })
	switch {
	case len(authorization) == 0 && !inQuery:
		return Credentials{}, ErrUnsigned
	case len(authorization) > 1, len(authorization) == 1 && inQuery:
		return Credentials{}, refuse("signed twice")
	case inQuery:
		c, err = queryClaim(parameters)
	default:
		c, err = headerClaim(authorization[0], r.Header)
	}
	if err != nil {
		return Credentials{}, err
	}
	// A URL is good until it expires, a header for as long as it may be on its way.
	if err := v.checkScope(c, now, max(tolerance, c.expires), DataService, Service); err != nil {
		return Credentials{}, err
	}
	payload := payloadHash(body)
	if given := r.Header.Values("X-Amz-Content-Sha256"); len(given) > 1 || len(given) == 1 && given[0] != payload {
		return Credentials{}, refuse("X-Amz-Content-Sha256 is not the hash of the body")
	}
	credentials, ok := v.Keys.Find(c.accessKeyID)
	if !ok {
		return Credentials{}, unknownKey(c.accessKeyID, c.token)
	}
	queries := []string{canonicalQuery(parameters, paramSignature)}
	if inQuery { // where the session token is signed or appended
		queries = append(queries, canonicalQuery(parameters, paramSignature, paramSecurityToken))
	}
	if !c.matches(r, c.signingKey(credentials), payload, queries...) {
		return Credentials{}, refuse("signature mismatch: wrong secret access key, or something else was signed than was sent")
	}
	return credentials.withToken(c.token, now)
}

// checkScope compares what c is for with what is asked for here and now. It may be
// older than tolerance, up to lifetime.
func (v *Verifier) checkScope(c claim, now time.Time, lifetime time.Duration, services ...string) error {
	wanted := strings.Join(services, " or ")
	switch age := now.Sub(c.at); {
	case c.region != v.Region && !namePattern.MatchString(c.region):
		return refuse("malformed region, this gateway is %s", v.Region)
	case c.region != v.Region:
		return refuse("region is %s, this gateway is %s", c.region, v.Region)
	case !slices.Contains(services, c.service) && !namePattern.MatchString(c.service):
		return refuse("malformed service, AWS IoT is %s", wanted)
	case !slices.Contains(services, c.service):
		return refuse("service is %s, AWS IoT is %s", c.service, wanted)
	case age < -tolerance || age > lifetime:
		return refuse("date %v away from this machine's clock", age.Abs().Round(time.Second))
	}
	return nil
}

// signingKey derives the key which is good for the scope of c.
func (c *claim) signingKey(credentials Credentials) []byte {
	key := []byte("AWS4" + credentials.SecretAccessKey())
	for _, part := range []string{c.scopeDate, c.region, c.service, terminator} {
		key = mac(key, part)
	}
	return key
}

// matches compares the signature with that of r for each way in which clients write
// the host, and for each of the canonical queries.
func (c *claim) matches(r *http.Request, key []byte, payload string, queries ...string) bool {
	matched := 0
	for _, host := range hosts(r) {
		headers, ok := canonicalHeaders(c.signedHeaders, r, host)
		if !ok {
			return false
		}
		for _, query := range queries {
			canonical := sha256.Sum256([]byte(strings.Join([]string{
				r.Method, canonicalPath(r), query, headers, strings.Join(c.signedHeaders, ";"), payload,
			}, "\n")))
			text := strings.Join([]string{
				algorithm, c.date, strings.Join([]string{c.scopeDate, c.region, c.service, terminator}, "/"), hex.EncodeToString(canonical[:]),
			}, "\n")
			matched |= subtle.ConstantTimeCompare([]byte(hex.EncodeToString(mac(key, text))), []byte(c.signature))
		}
	}
	return matched == 1
}

func payloadHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
