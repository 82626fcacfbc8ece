// Package web owns the HTTP side of the gateway: the site at /, the built package at
// /pkg/, what a page needs to know to connect at /gateway.json, where everything else
// is, and the rules that only this machine's own names are answered and only its own
// pages get an answer from the APIs. It imports sigv4 (for the credentials) and
// loopback. Its handlers keep no state and may be called from any goroutine.
package web

import (
	"encoding/json"
	"log/slog"
	"net/http"

	"iotwasm/site/gateway/internal/loopback"
	"iotwasm/site/gateway/internal/sigv4"
)

// Site is what the gateway serves.
type Site struct {
	// Dir is served at /, PackageDir at /pkg/. They may come and go while serving.
	Dir, PackageDir string
	Region          string
	Credentials     sigv4.Credentials
	// MQTT takes every request for MQTTPath.
	MQTT     http.Handler
	MQTTPath string
	// APIs are handlers by their path, or by the beginning of it which ends with a
	// slash. Pages of other origins on this machine may call them.
	APIs map[string]http.Handler
	Log  *slog.Logger
}

// Handler returns the whole of the gateway's HTTP side.
func (s *Site) Handler() http.Handler {
	site := &static{dir: s.Dir, hidden: []string{"gateway"}, log: s.Log}
	pkg := &static{dir: s.PackageDir, prefix: "/pkg/", shared: true, log: s.Log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cache-Control", "no-cache")
		switch path := r.URL.Path; {
		case !loopback.IsHost(r.Host):
			s.Log.Warn("request refused", "remote", r.RemoteAddr, "reason", "host is not this machine")
			http.Error(w, "this gateway answers to loopback names only", http.StatusMisdirectedRequest)
		case path == s.MQTTPath:
			s.MQTT.ServeHTTP(w, r)
		case s.api(path) != nil:
			s.serveAPI(w, r, s.api(path))
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			header.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		case path == "/gateway.json":
			s.serveConnection(w, r)
		case len(path) >= len(pkg.prefix) && path[:len(pkg.prefix)] == pkg.prefix:
			pkg.ServeHTTP(w, r)
		default:
			site.ServeHTTP(w, r)
		}
	})
}

// serveConnection tells the console how to reach this gateway. Other origins cannot
// read it, the credentials are good for nothing else, and nothing keeps them.
func (s *Site) serveConnection(w http.ResponseWriter, r *http.Request) {
	scheme := "ws"
	if r.TLS != nil {
		scheme = "wss"
	}
	body, _ := json.Marshal(struct { // of strings: cannot fail
		Endpoint        string `json:"endpoint"`
		Region          string `json:"region"`
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
	}{scheme + "://" + r.Host, s.Region, s.Credentials.AccessKeyID, s.Credentials.SecretAccessKey()})
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	_, _ = w.Write(body) // the client may be gone
}
