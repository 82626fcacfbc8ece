package web

import (
	"net/http"
	"strings"

	"iotwasm/site/gateway/internal/loopback"
)

// api returns the handler for a path: of the longest of the beginnings which fit.
func (s *Site) api(path string) http.Handler {
	if handler := s.APIs[path]; handler != nil {
		return handler
	}
	longest := ""
	for prefix := range s.APIs {
		if strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return s.APIs[longest]
}

// serveAPI keeps pages of other machines away, by more than what they may read: a
// request can have effects. Pages of this machine get what CORS wants.
func (s *Site) serveAPI(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	header := w.Header()
	header.Add("Vary", "Origin, Sec-Fetch-Site")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	origins := r.Header.Values("Origin")
	for _, origin := range origins {
		if !loopback.IsOrigin(origin) {
			s.refuseAPI(w, r, "origin is not on this machine")
			return
		}
	}
	// A script or an image of a foreign page comes without an Origin.
	if len(origins) == 0 && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		s.refuseAPI(w, r, "cross-site request without an origin")
		return
	}
	if len(origins) == 1 {
		header.Set("Access-Control-Allow-Origin", origins[0])
		header.Set("Access-Control-Expose-Headers", "Date, x-amzn-ErrorType, x-amzn-RequestId")
	}
	if r.Method == http.MethodOptions && len(origins) == 1 && r.Header.Get("Access-Control-Request-Method") != "" {
		header.Set("Access-Control-Allow-Methods", "GET, POST, DELETE")
		// Signed requests carry Authorization and whatever else the SDK adds, and a
		// wildcard would not stand for Authorization.
		if wanted := r.Header.Get("Access-Control-Request-Headers"); wanted != "" {
			header.Set("Access-Control-Allow-Headers", wanted)
		}
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	handler.ServeHTTP(w, r)
}

func (s *Site) refuseAPI(w http.ResponseWriter, r *http.Request, reason string) {
	s.Log.Warn("request refused", "remote", r.RemoteAddr, "status", http.StatusForbidden, "reason", reason)
	http.Error(w, "this gateway answers pages of this machine only", http.StatusForbidden)
}
