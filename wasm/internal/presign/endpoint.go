package presign

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

const endpointMust = "be a host such as abc-ats.iot.eu-west-1.amazonaws.com, or a wss:// URL of one"

// parseEndpoint returns the scheme and the host as the browser will send it in
// the Host header: lower case, without the scheme's default port.
func parseEndpoint(endpoint string) (scheme, host string, err error) {
	bad := func(must string) (string, string, error) { return "", "", &FieldError{"endpoint", must} }
	if endpoint == "" {
		return bad("be a non-empty string")
	}
	if !strings.Contains(endpoint, "://") {
		endpoint = "wss://" + endpoint
	}
	u, perr := url.Parse(endpoint)
	if perr != nil || u.Host == "" || u.Opaque != "" {
		return bad(endpointMust)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return bad("be without user, query and fragment: they are made when signing")
	}
	if u.Path != "" && u.Path != "/" && u.Path != path {
		return bad("have no path but /mqtt")
	}
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if !isHost(name) {
		return bad(endpointMust)
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return bad("have a port from 1 to 65535")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return bad(endpointMust)
	}
	switch scheme = strings.ToLower(u.Scheme); scheme {
	case "wss":
		if port == "443" {
			port = ""
		}
	case "ws":
		if !isLoopback(name) {
			return bad("use wss: a ws: URL would send the credentials' signature in clear text to another machine")
		}
		if port == "80" {
			port = ""
		}
	default:
		return bad("begin with wss:// or ws://, or be a host alone")
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port != "" {
		name += ":" + port
	}
	return scheme, name, nil
}

// CheckURL reports whether a WebSocket URL of the page's own may be dialled: wss,
// or ws to a loopback host. The error is a *FieldError for the field "url".
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "" {
		return &FieldError{"url", "be a WebSocket URL such as wss://broker.example/mqtt, without fragment"}
	}
	switch strings.ToLower(u.Scheme) {
	case "wss":
		return nil
	case "ws":
		if isLoopback(strings.ToLower(u.Hostname())) {
			return nil
		}
		return &FieldError{"url", "use wss: ws is for a loopback host only"}
	}
	return &FieldError{"url", "begin with wss:// or ws://"}
}

func isHost(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Zone() == ""
	}
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback()
}

// pickRegion returns the region to sign for. One given must not contradict the
// one that the endpoint shows: AWS would answer 403, and a browser hides why.
func pickRegion(region, host string) (string, error) {
	shown := endpointRegion(host)
	switch {
	case region == "" && shown == "":
		return "", &FieldError{"region", "be given: this endpoint does not show it"}
	case region == "":
		return shown, nil
	case !isRegion(region):
		return "", &FieldError{"region", "be an AWS Region such as eu-west-1"}
	case shown != "" && shown != region:
		return "", &FieldError{"region", "agree with the endpoint, which is in " + shown}
	}
	return region, nil
}

// endpointRegion reads the region of an AWS IoT endpoint:
// <prefix>-ats.iot.<region>.amazonaws.com, its .cn, FIPS and VPC forms.
func endpointRegion(host string) string {
	name, _, _ := strings.Cut(host, ":")
	if !strings.HasSuffix(name, ".amazonaws.com") && !strings.HasSuffix(name, ".amazonaws.com.cn") {
		return ""
	}
	labels := strings.Split(name, ".")
	for i, l := range labels[:len(labels)-2] {
		if (l == "iot" || l == "iot-fips") && isRegion(labels[i+1]) {
			return labels[i+1]
		}
	}
	return ""
}

func isRegion(s string) bool {
	if len(s) < 3 || len(s) > 32 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
