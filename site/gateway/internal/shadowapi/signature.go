package shadowapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"iotwasm/site/gateway/internal/sigv4"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	tolerance  = 5 * time.Minute
	maxExpires = 604800 // seconds; the ceiling of SigV4

	signatureParameter = "X-Amz-Signature"
	tokenName          = "X-Amz-Security-Token"
)

// services are the names which clients sign the data API for: AWS's SDKs the first,
// its developer guide the second.
var services = []string{"iotdata", "iotdevicegateway"}

var (
	signaturePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	headerPattern    = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+$")
)

// ErrUnsigned says that a request carries no signature at all.
var ErrUnsigned = errors.New("the request is not signed")

// Signatures is a Verifier of AWS Signature Version 4, in the Authorization header or
// in the query, over the body too ("Create a signed AWS API request", AWS IAM user
// guide). Its errors are for the log, and hold no secret.
type Signatures struct {
	Region string
	Keys   Keys
}

// Keys is where access keys are looked up, from any goroutine.
type Keys interface {
	// Find returns the credentials of an access key id, expired ones too.
	Find(accessKeyID string) (sigv4.Credentials, bool)
}

// claim is what a request says about its own signature.
type claim struct {
	accessKeyID, scopeDate, region, service string
	date, signature, token                  string
	signedHeaders                           []string
	inQuery                                 bool
	expires                                 time.Duration // in the query, if it is there
}

// AccessKeyID returns the id that r claims to be signed with, or nothing.
func AccessKeyID(r *http.Request) string {
	c, err := readClaim(r)
	if err != nil {
		return ""
	}
	return c.accessKeyID
}

// Verify implements Verifier.
func (s *Signatures) Verify(r *http.Request, body []byte, now time.Time) error {
	c, err := readClaim(r)
	if err != nil {
		return err
	}
	if err := s.checkScope(c, now); err != nil {
		return err
	}
	hash, err := payloadHash(r, body)
	if err != nil {
		return err
	}
	credentials, ok := s.Keys.Find(c.accessKeyID)
	if !ok {
		return errors.New("unknown access key id")
	}
	if !c.matches(r, hash, credentials.SecretAccessKey()) {
		return errors.New("signature mismatch: wrong secret access key, or something else was signed than was sent")
	}
	// After the signature, so that only its owner learns what is wrong with a token.
	return checkToken(credentials, c.token, now)
}

func checkToken(credentials sigv4.Credentials, token string, now time.Time) error {
	due := credentials.SessionToken()
	switch {
	case subtle.ConstantTimeCompare([]byte(token), []byte(due)) != 1 && due == "":
		return errors.New("a session token came with a permanent access key")
	case subtle.ConstantTimeCompare([]byte(token), []byte(due)) != 1:
		return errors.New("the session token is missing, or not that of the access key")
	case due != "" && !now.Before(credentials.Expires):
		return errors.New("the temporary credentials have expired")
	}
	return nil
}

func readClaim(r *http.Request) (claim, error) {
	// A plus sign is a plus sign: SigV4 knows no form encoding.
	query, err := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, "+", "%2B"))
	if err != nil {
		return claim{}, errors.New("malformed query")
	}
	authorization := r.Header.Values("Authorization")
	inQuery := query.Has(signatureParameter)
	switch {
	case len(authorization) == 0 && !inQuery:
		return claim{}, ErrUnsigned
	case len(authorization) > 1, len(authorization) == 1 && inQuery:
		return claim{}, errors.New("signed twice")
	}
	fields := map[string]string{}
	if inQuery {
		for _, name := range []string{"Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature", "Security-Token"} {
			values := query["X-Amz-"+name]
			if len(values) > 1 {
				return claim{}, fmt.Errorf("X-Amz-%s is given twice", name)
			}
			if len(values) == 1 {
				fields[name] = values[0]
			}
		}
	} else if err := readAuthorization(authorization[0], r.Header, fields); err != nil {
		return claim{}, err
	}
	return newClaim(fields, inQuery)
}

// readAuthorization reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…"
// and the headers that belong to it.
func readAuthorization(text string, header http.Header, fields map[string]string) error {
	var rest string
	fields["Algorithm"], rest, _ = strings.Cut(text, " ")
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if _, again := fields[name]; !ok || again || name != "Credential" && name != "SignedHeaders" && name != "Signature" {
			return errors.New("malformed Authorization header")
		}
		fields[name] = value
	}
	if len(header.Values("X-Amz-Date")) > 1 || len(header.Values(tokenName)) > 1 {
		return errors.New("X-Amz-Date or X-Amz-Security-Token is given twice")
	}
	fields["Date"], fields["Security-Token"] = header.Get("X-Amz-Date"), header.Get(tokenName)
	return nil
}

func newClaim(fields map[string]string, inQuery bool) (claim, error) {
	if fields["Algorithm"] != algorithm {
		return claim{}, errors.New("the algorithm is not " + algorithm)
	}
	scope := strings.Split(fields["Credential"], "/")
	if len(scope) != 5 || scope[4] != terminator {
		return claim{}, errors.New("the credential is not of the form key/date/region/service/" + terminator)
	}
	c := claim{
		accessKeyID: scope[0], scopeDate: scope[1], region: scope[2], service: scope[3],
		date: fields["Date"], signature: fields["Signature"], token: fields["Security-Token"],
		signedHeaders: strings.Split(fields["SignedHeaders"], ";"), inQuery: inQuery,
	}
	if !signaturePattern.MatchString(c.signature) {
		return claim{}, errors.New("the signature is not 64 lower-case hexadecimal digits")
	}
	for i, name := range c.signedHeaders {
		if !headerPattern.MatchString(name) || slices.Contains(c.signedHeaders[:i], name) {
			return claim{}, errors.New("the signed headers are no list of distinct lower-case names")
		}
	}
	if !slices.Contains(c.signedHeaders, "host") {
		return claim{}, errors.New("host is not signed")
	}
	if text, given := fields["Expires"]; given {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return claim{}, fmt.Errorf("X-Amz-Expires is not a number from 1 to %d", maxExpires)
		}
		c.expires = time.Duration(seconds) * time.Second
	}
	return c, nil
}

func (s *Signatures) checkScope(c claim, now time.Time) error {
	date, err := time.Parse(timeFormat, c.date)
	switch {
	case err != nil:
		return errors.New("the date is not of the form 20060102T150405Z")
	case c.scopeDate != c.date[:len("20060102")]:
		return errors.New("the date of the credential scope is another day than the request's")
	case c.region != s.Region:
		return fmt.Errorf("region is %.40q, this gateway is %s", c.region, s.Region)
	case !slices.Contains(services, c.service):
		return fmt.Errorf("service is %.40q, the data API is %s", c.service, strings.Join(services, " or "))
	}
	// A URL is good until it expires, a header for as long as it may be on its way.
	if age := now.Sub(date); age < -tolerance || age > max(tolerance, c.expires) {
		return fmt.Errorf("date %v away from this machine's clock", age.Abs().Round(time.Second))
	}
	return nil
}

// payloadHash is the hash of the body, which the client may have sent along.
func payloadHash(r *http.Request, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	if given := r.Header.Values("X-Amz-Content-Sha256"); len(given) > 1 || len(given) == 1 && given[0] != hash {
		return "", errors.New("X-Amz-Content-Sha256 is not the hash of the body")
	}
	return hash, nil
}

// matches computes the signature for each way in which clients write the host, and
// with the session token signed or appended.
func (c claim) matches(r *http.Request, hash, secret string) bool {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.scopeDate, c.region, c.service, terminator} {
		key = mac(key, part)
	}
	queries := []string{canonicalQuery(r.URL.RawQuery, signatureParameter)}
	if c.inQuery {
		queries = append(queries, canonicalQuery(r.URL.RawQuery, signatureParameter, tokenName))
	}
	matched := 0
	for _, host := range hosts(r) {
		headers, ok := canonicalHeaders(r, c.signedHeaders, host)
		if !ok {
			return false
		}
		for _, query := range queries {
			// The path is escaped once more than it came, as everywhere but in S3.
			canonical := sha256.Sum256([]byte(strings.Join([]string{
				r.Method, escape(r.URL.EscapedPath(), "/"), query, headers, strings.Join(c.signedHeaders, ";"), hash,
			}, "\n")))
			text := strings.Join([]string{
				algorithm, c.date, strings.Join([]string{c.scopeDate, c.region, c.service, terminator}, "/"), hex.EncodeToString(canonical[:]),
			}, "\n")
			matched |= subtle.ConstantTimeCompare([]byte(hex.EncodeToString(mac(key, text))), []byte(c.signature))
		}
	}
	return matched == 1
}

// hosts lists what a client may have signed as its host: with the port, or without.
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

func canonicalQuery(raw string, without ...string) string {
	var pairs [][2]string
	for piece := range strings.SplitSeq(raw, "&") {
		if piece == "" {
			continue
		}
		name, value, _ := strings.Cut(piece, "=")
		// The query was parsed before, so that there is no bad escape.
		name, _ = url.PathUnescape(name)
		value, _ = url.PathUnescape(value)
		if !slices.Contains(without, name) {
			pairs = append(pairs, [2]string{escape(name, ""), escape(value, "")})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	out := make([]string, len(pairs))
	for i, pair := range pairs {
		out[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(out, "&")
}

func canonicalHeaders(r *http.Request, names []string, host string) (_ string, ok bool) {
	var out strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		switch {
		case name == "host":
			values = []string{host}
		case name == "content-length" && r.ContentLength >= 0: // net/http takes it out of the headers
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		if len(values) == 0 {
			return "", false
		}
		trimmed := make([]string, len(values))
		for i, value := range values {
			trimmed[i] = strings.Join(strings.Fields(value), " ")
		}
		out.WriteString(name + ":" + strings.Join(trimmed, ",") + "\n")
	}
	return out.String(), true
}

// escape percent-encodes all but RFC 3986's unreserved characters and those of keep.
func escape(s, keep string) string {
	const upperHex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			strings.IndexByte("-._~"+keep, c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteString(string([]byte{'%', upperHex[c>>4], upperHex[c&15]}))
		}
	}
	return out.String()
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
