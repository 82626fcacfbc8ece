package sigv4

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// parameter is one query parameter, decoded.
type parameter struct{ name, value string }

var errQuery = errors.New("malformed percent-escape in the query")

// parseQuery splits a raw query. A plus sign is a plus sign: SigV4 knows no form encoding.
func parseQuery(raw string) ([]parameter, error) {
	var parameters []parameter
	for piece := range strings.SplitSeq(raw, "&") {
		if piece == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(piece, "=")
		name, ok := decode(rawName)
		if !ok {
			return nil, errQuery
		}
		value, ok := decode(rawValue)
		if !ok {
			return nil, errQuery
		}
		parameters = append(parameters, parameter{name, value})
	}
	return parameters, nil
}

// canonicalQuery encodes, sorts and joins the parameters but for those of some names.
func canonicalQuery(parameters []parameter, without ...string) string {
	encoded := make([]parameter, 0, len(parameters))
	for _, p := range parameters {
		if !slices.Contains(without, p.name) {
			encoded = append(encoded, parameter{encode(p.name, ""), encode(p.value, "")})
		}
	}
	slices.SortFunc(encoded, func(a, b parameter) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	var out strings.Builder
	for i, p := range encoded {
		if i > 0 {
			out.WriteByte('&')
		}
		out.WriteString(p.name)
		out.WriteByte('=')
		out.WriteString(p.value)
	}
	return out.String()
}

// canonicalPath escapes the path once more than it came, as SigV4 wants everywhere but
// in S3.
func canonicalPath(r *http.Request) string { return encode(r.URL.EscapedPath(), "/") }

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

// canonicalHeaders returns the signed headers in the order of their list, with
// host in place of the request's own; ok is false when one is not in the request.
func canonicalHeaders(names []string, r *http.Request, host string) (_ string, ok bool) {
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
		out.WriteString(name)
		out.WriteByte(':')
		for i, value := range values {
			if i > 0 {
				out.WriteByte(',')
			}
			out.WriteString(strings.Join(strings.Fields(value), " "))
		}
		out.WriteByte('\n')
	}
	return out.String(), true
}

// decode undoes RFC 3986 percent-encoding.
func decode(s string) (_ string, ok bool) {
	if !strings.Contains(s, "%") {
		return s, true
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			out = append(out, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		high, low := unhex(s[i+1]), unhex(s[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		out = append(out, byte(high<<4|low))
		i += 2
	}
	return string(out), true
}

// encode percent-encodes everything but RFC 3986's unreserved characters and those of keep.
func encode(s, keep string) string {
	const upperHex = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9',
			strings.IndexByte("-._~"+keep, c) >= 0:
			out.WriteByte(c)
		default:
			out.WriteByte('%')
			out.WriteByte(upperHex[c>>4])
			out.WriteByte(upperHex[c&15])
		}
	}
	return out.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
