package sigv4

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	maxExpires = 604800 // seconds; the ceiling of SigV4

	paramPrefix        = "X-Amz-"
	paramAlgorithm     = paramPrefix + "Algorithm"
	paramCredential    = paramPrefix + "Credential"
	paramDate          = paramPrefix + "Date"
	paramExpires       = paramPrefix + "Expires"
	paramSecurityToken = paramPrefix + "Security-Token"
	paramSignature     = paramPrefix + "Signature"
	paramSignedHeaders = paramPrefix + "SignedHeaders"
)

var (
	signaturePattern = regexp.MustCompile(`^[0-9a-f]{64}$`)
	headerPattern    = regexp.MustCompile("^[a-z0-9!#$%&'*+.^_`|~-]+$")
)

// claim is what a request says about its own signature.
type claim struct {
	accessKeyID, scopeDate, region, service string
	date, signature, token                  string
	signedHeaders                           []string
	at                                      time.Time // date
	expires                                 time.Duration
}

// isClaim reports whether a parameter of a query is part of its claim.
func isClaim(name string) bool {
	switch name {
	case paramAlgorithm, paramCredential, paramDate, paramExpires, paramSecurityToken, paramSignature, paramSignedHeaders:
		return true
	}
	return false
}

// queryClaim reads the claim of a query.
func queryClaim(parameters []parameter) (claim, error) {
	fields := map[string]string{}
	for _, p := range parameters {
		if !isClaim(p.name) {
			continue
		}
		if _, again := fields[p.name]; again {
			return claim{}, refuse("%s is given twice", p.name)
		}
		fields[p.name] = p.value
	}
	for _, name := range []string{paramAlgorithm, paramCredential, paramDate, paramSignedHeaders, paramSignature} {
		if fields[name] == "" {
			return claim{}, refuse("%s is missing", name)
		}
	}
	return newClaim(fields)
}

// headerClaim reads "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…" and
// the headers that belong to it.
func headerClaim(authorization string, header http.Header) (claim, error) {
	scheme, rest, _ := strings.Cut(authorization, " ")
	fields := map[string]string{paramAlgorithm: scheme}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		name = paramPrefix + name
		if _, again := fields[name]; !ok || again || name != paramCredential && name != paramSignedHeaders && name != paramSignature {
			return claim{}, refuse("malformed Authorization header")
		}
		fields[name] = value
	}
	for _, name := range []string{paramDate, paramSecurityToken} {
		if len(header.Values(name)) > 1 {
			return claim{}, refuse("%s is given twice", name)
		}
		fields[name] = header.Get(name)
	}
	return newClaim(fields)
}

// newClaim reads fields, which have the names of a query's parameters.
func newClaim(fields map[string]string) (claim, error) {
	if fields[paramAlgorithm] != algorithm {
		return claim{}, refuse("the algorithm is not %s", algorithm)
	}
	scope := strings.Split(fields[paramCredential], "/")
	if len(scope) != 5 || scope[4] != terminator {
		return claim{}, refuse("the credential is not of the form key/date/region/service/%s", terminator)
	}
	c := claim{
		accessKeyID: scope[0], scopeDate: scope[1], region: scope[2], service: scope[3],
		date: fields[paramDate], signature: fields[paramSignature], token: fields[paramSecurityToken],
		signedHeaders: strings.Split(fields[paramSignedHeaders], ";"),
	}
	if !signaturePattern.MatchString(c.signature) {
		return claim{}, refuse("the signature is not 64 lower-case hexadecimal digits")
	}
	for i, name := range c.signedHeaders {
		if !headerPattern.MatchString(name) || slices.Contains(c.signedHeaders[:i], name) {
			return claim{}, refuse("the signed headers are no list of distinct lower-case names")
		}
	}
	if !slices.Contains(c.signedHeaders, "host") {
		return claim{}, refuse("host is not signed")
	}
	if text, given := fields[paramExpires]; given {
		seconds, err := strconv.ParseUint(text, 10, 32)
		if err != nil || seconds < 1 || seconds > maxExpires {
			return claim{}, refuse("%s is not a number from 1 to %d", paramExpires, maxExpires)
		}
		c.expires = time.Duration(seconds) * time.Second
	}
	var err error
	// time.Parse takes fractions of a second which the format does not have.
	if c.at, err = time.Parse(timeFormat, c.date); err != nil || c.at.Format(timeFormat) != c.date {
		return claim{}, refuse("the date is not of the form %s", timeFormat)
	}
	if c.scopeDate != c.at.Format("20060102") {
		return claim{}, refuse("the date of the credential scope is another day than the request's")
	}
	return c, nil
}
