// Package admin owns the way to see into a running gateway: a page at /_gateway/, and
// the same as JSON at /_gateway/state.json. It shows connections, sessions, shadows and
// the last packets, and nothing secret: neither payloads nor passwords, user names or
// query strings. It changes nothing. It imports broker and shadow, whose snapshots it
// writes down; web calls it, from net/http's goroutines, when host and origin are this
// machine's.
package admin

import (
	"embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/shadow"
)

// Path is where the page is; everything else is below.
const Path = "/_gateway/"

// contentPolicy lets the page load its own two files and ask for the state.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page
var files embed.FS

// types are the files of the page by what follows Path, each with its type.
var types = map[string]struct{ file, media string }{
	"":         {"page/index.html", "text/html; charset=utf-8"},
	"page.css": {"page/page.css", "text/css; charset=utf-8"},
	"page.js":  {"page/page.js", "text/javascript; charset=utf-8"},
}

// Handler serves the page and the state.
type Handler struct {
	Broker  func() broker.Snapshot
	Shadows func() ([]shadow.Info, error)
	// Profile is the name of how MQTT behaves.
	Profile string
	Started time.Time
	Now     func() time.Time
	Log     *slog.Logger
}

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, Path)
	header.Set("Content-Security-Policy", contentPolicy)
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cache-Control", "no-store")
	if name == "state.json" {
		h.serveState(w)
		return
	}
	entry, ok := types[name]
	if !ok {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	content, err := files.ReadFile(entry.file)
	if err != nil {
		h.fail(w, err)
		return
	}
	header.Set("Content-Type", entry.media)
	_, _ = w.Write(content) // the client may be gone
}

func (h *Handler) serveState(w http.ResponseWriter) {
	shadows, err := h.Shadows()
	if err != nil {
		h.fail(w, err)
		return
	}
	body, err := json.Marshal(h.state(h.Broker(), shadows))
	if err != nil {
		h.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the client may be gone
}

func (h *Handler) fail(w http.ResponseWriter, err error) {
	h.Log.Error("no state to show", "reason", err.Error())
	http.Error(w, "internal error; the log says more", http.StatusInternalServerError)
}
