// Package sigv4 owns access keys and the check of AWS Signature Version 4 query
// authentication, as AWS IoT Core does it when a WebSocket is opened. It is written
// from the specification ("Create a signed AWS API request", AWS IAM user guide) and
// the AWS IoT developer guide, and imports the standard library only. access calls a
// Verifier from net/http's goroutines; it may be used from any.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// Service is the name which AWS IoT Core's WebSocket endpoint is signed for.
	Service = "iotdevicegateway"
	// DataService is the name which older SDKs, and those of the HTTP API, sign for.
	DataService = "iotdata"

	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	maxExpires = 604800 // seconds; the ceiling of SigV4
	// The request must reach AWS within this time of its signing date, and
	// X-Amz-Expires does not extend it: the URL is a signed request, no pre-signed link.
	tolerance = 5 * time.Minute

	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramSecurityToken = "X-Amz-Security-Token"
	paramSignature     = "X-Amz-Signature"
	paramSignedHeaders = "X-Amz-SignedHeaders"
)

var (
	regionPattern    = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	servicePattern   = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	signaturePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	headerPattern    = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+$")
)

// Keys is where access keys are looked up, from any goroutine.
type Keys interface {
	// Find returns the credentials of an access key id, expired ones too.
	Find(accessKeyID string) (Credentials, bool)
}

// Verifier checks requests against access keys in one region.
type Verifier struct {
	Keys   Keys
	Region string
	// AcceptData accepts signatures for DataService as well.
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

// IsSigned reports whether r means to be authenticated by a signature.
func IsSigned(r *http.Request) bool {
	parameters, err := parseQuery(r.URL.RawQuery)
	return err == nil && slices.ContainsFunc(parameters, func(p parameter) bool {
		switch p.name {
		case paramAlgorithm, paramCredential, paramDate, paramExpires, paramSecurityToken, paramSignature, paramSignedHeaders:
			return true
		}
		return false
	})
}

// Verify returns the credentials by which r is validly signed at the time now. The
// error is nil or a *Refusal.
func (v *Verifier) Verify(r *http.Request, now time.Time) (Credentials, error) {
	parameters, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return Credentials{}, refuse("%v", err)
	}
	a, err := readAuthentication(parameters)
	if err != nil {
		return Credentials{}, err
	}
	if err := v.checkScope(a, now); err != nil {
		return Credentials{}, err
	}
	credentials, ok := v.Keys.Find(a.accessKeyID)
	if !ok {
		return Credentials{}, unknownKey(a.accessKeyID, a.token)
	}

	key := signingKey(credentials, a)
	unsigned := func(name string) bool { return name == paramSignature || name == paramSecurityToken }
	switch {
	case matches(r, a, key, parameters, func(name string) bool { return !unsigned(name) }):
	case matches(r, a, key, parameters, func(name string) bool { return name != paramSignature }):
		return Credentials{}, refuse("the session token was signed: AWS IoT wants it appended after signing")
	default:
		return Credentials{}, refuse("signature mismatch: wrong secret access key, or another host, path or query was signed")
	}
	// After the signature, so that only its owner learns what is wrong with a token.
	if err := credentials.checkToken(a.token, now); err != nil {
		return Credentials{}, err
	}
	return credentials, nil
}

// authentication is what the query says about its own signature.
type authentication struct {
	accessKeyID, scopeDate, region, service string
	date, signature, token                  string
	signedHeaders                           []string
}

func readAuthentication(parameters []parameter) (authentication, error) {
	var a authentication
	values := map[string]string{}
	for _, p := range parameters {
		switch p.name {
		case paramAlgorithm, paramCredential, paramDate, paramExpires, paramSecurityToken, paramSignature, paramSignedHeaders:
			if _, again := values[p.name]; again {
				return a, refuse("%s is given twice", p.name)
			}
			values[p.name] = p.value
		}
	}
	for _, name := range []string{paramAlgorithm, paramCredential, paramDate, paramSignedHeaders, paramSignature} {
		if values[name] == "" {
			return a, refuse("%s is missing", name)
		}
	}
	if values[paramAlgorithm] != algorithm {
		return a, refuse("%s is not %s", paramAlgorithm, algorithm)
	}
	if expires, given := values[paramExpires]; given {
		if seconds, err := strconv.Atoi(expires); err != nil || seconds < 1 || seconds > maxExpires {
			return a, refuse("%s is not a number from 1 to %d", paramExpires, maxExpires)
		}
	}
	scope := strings.Split(values[paramCredential], "/")
	if len(scope) != 5 || scope[4] != terminator {
		return a, refuse("%s is not of the form key/date/region/service/%s", paramCredential, terminator)
	}
	a = authentication{
		accessKeyID: scope[0], scopeDate: scope[1], region: scope[2], service: scope[3],
		date: values[paramDate], signature: values[paramSignature], token: values[paramSecurityToken],
		signedHeaders: strings.Split(values[paramSignedHeaders], ";"),
	}
	if !signaturePattern.MatchString(a.signature) {
		return a, refuse("%s is not 64 lower-case hexadecimal digits", paramSignature)
	}
	for i, name := range a.signedHeaders {
		if !headerPattern.MatchString(name) || slices.Contains(a.signedHeaders[:i], name) {
			return a, refuse("%s is not a list of distinct lower-case header names", paramSignedHeaders)
		}
	}
	if !slices.Contains(a.signedHeaders, "host") {
		return a, refuse("%s does not include host", paramSignedHeaders)
	}
	return a, nil
}

func (v *Verifier) checkScope(a authentication, now time.Time) error {
	date, err := time.Parse(timeFormat, a.date)
	if err != nil {
		return refuse("%s is not of the form 20060102T150405Z", paramDate)
	}
	if a.scopeDate != a.date[:len("20060102")] {
		return refuse("the date of the credential scope is not the day of %s", paramDate)
	}
	if a.region != v.Region {
		if !regionPattern.MatchString(a.region) {
			return refuse("malformed region, this gateway is %s", v.Region)
		}
		return refuse("region is %s, this gateway is %s", a.region, v.Region)
	}
	if a.service != Service && (a.service != DataService || !v.AcceptData) {
		if !servicePattern.MatchString(a.service) {
			return refuse("malformed service, AWS IoT is %s", Service)
		}
		return refuse("service is %s, AWS IoT is %s", a.service, Service)
	}
	if off := now.Sub(date).Abs(); off > tolerance {
		return refuse("date %v away from this machine's clock", off.Round(time.Second))
	}
	return nil
}

// matches computes the signature for each way in which clients write the host.
func matches(r *http.Request, a authentication, key []byte, parameters []parameter, keep func(string) bool) bool {
	query := canonicalQuery(parameters, keep)
	matched := 0
	for _, host := range hosts(r) {
		headers, ok := canonicalHeaders(a.signedHeaders, r.Header, host)
		if !ok {
			return false
		}
		payload := sha256.Sum256(nil)
		canonical := sha256.Sum256([]byte(strings.Join([]string{
			r.Method, r.URL.EscapedPath(), query, headers, strings.Join(a.signedHeaders, ";"), hex.EncodeToString(payload[:]),
		}, "\n")))
		signed := strings.Join([]string{
			algorithm, a.date, strings.Join([]string{a.scopeDate, a.region, a.service, terminator}, "/"), hex.EncodeToString(canonical[:]),
		}, "\n")
		signature := hex.EncodeToString(mac(key, signed))
		matched |= subtle.ConstantTimeCompare([]byte(signature), []byte(a.signature))
	}
	return matched == 1
}

// hosts lists what a client may have signed as its host. Browsers send a port only
// where it is not the scheme's default, and some clients sign the name alone.
func hosts(r *http.Request) []string {
	host := strings.ToLower(r.Host)
	if _, port, err := net.SplitHostPort(host); err == nil {
		return []string{host, strings.TrimSuffix(host, ":"+port)}
	}
	if r.TLS != nil {
		return []string{host, host + ":443"}
	}
	return []string{host, host + ":80"}
}

func signingKey(c Credentials, a authentication) []byte {
	key := mac([]byte("AWS4"+c.SecretAccessKey()), a.scopeDate)
	for _, part := range []string{a.region, a.service, terminator} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
