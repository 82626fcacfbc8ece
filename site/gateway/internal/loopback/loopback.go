// Package loopback decides whether a host or an origin is this machine's own. It
// guards against DNS rebinding: a foreign page whose name was made to point at
// 127.0.0.1 still sends its own name. It imports the standard library only and may
// be called from any goroutine.
package loopback

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// IsHost reports whether host, with or without a port, is a loopback name or address
// (localhost and its subdomains, RFC 6761; 127.0.0.0/8; ::1).
func IsHost(host string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if !isPort(port) {
			return false
		}
		name = h
	} else if inner, bracketed := strings.CutPrefix(host, "["); bracketed {
		var closed bool
		if name, closed = strings.CutSuffix(inner, "]"); !closed {
			return false
		}
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Zone() == "" && address.Unmap().IsLoopback()
	}
	name = strings.ToLower(name)
	return name == "localhost" || (strings.HasSuffix(name, ".localhost") && isName(name))
}

// IsOrigin reports whether an Origin header names a page served from loopback.
func IsOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.User != nil || u.Opaque != "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && IsHost(u.Host)
}

func isPort(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 5
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s[0] != '.'
}
