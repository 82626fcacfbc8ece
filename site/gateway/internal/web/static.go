package web

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"

	"iotwasm/site/gateway/internal/loopback"
)

// A worker that comes over the network is governed by the policy of its own response,
// so scripts carry it as pages do.
const contentSecurityPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; " +
	"connect-src 'self' ws: wss: https:; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// contentType does not ask the machine's MIME tables: they differ, and know .ts as video.
func contentType(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".wasm":
		return "application/wasm"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json", ".map":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".ico":
		return "image/x-icon"
	case ".woff2":
		return "font/woff2"
	case ".ts", ".txt", ".md":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}

// static serves the files of one directory, and no listings.
type static struct {
	dir    string
	prefix string   // of the URL path; a slash at its end
	hidden []string // entries of dir which are not for pages
	shared bool     // other origins on this machine may read
	log    *slog.Logger
}

// ServeHTTP answers GET and HEAD.
func (s *static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.shared {
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); loopback.IsOrigin(origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
		}
	}
	name := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, s.prefix), "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if !s.allows(name) {
		notFound(w)
		return
	}
	// Opened for each request: a build may replace the directory.
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		notFound(w)
		return
	}
	defer func() { _ = root.Close() }() // nothing was written
	switch err := s.serveFile(w, r, root, name); {
	case errors.Is(err, errIsDirectory):
		// Relative to the path as it was asked for, so that it cannot leave the host.
		w.Header().Set("Location", "./"+url.PathEscape(path.Base(name))+"/")
		w.WriteHeader(http.StatusMovedPermanently)
	case errors.Is(err, fs.ErrNotExist):
		notFound(w)
	case err != nil:
		s.log.Warn("file not served", "reason", err.Error())
		notFound(w)
	}
}

// allows reports whether name is one that pages may ask for.
func (s *static) allows(name string) bool {
	if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	lower := strings.ToLower(name) // file systems may not tell cases apart
	for segment := range strings.SplitSeq(lower, "/") {
		if strings.HasPrefix(segment, ".") {
			return false
		}
	}
	first, _, _ := strings.Cut(lower, "/")
	for _, hidden := range s.hidden {
		if first == hidden {
			return false
		}
	}
	return path.Ext(lower) != ".go"
}

var errIsDirectory = errors.New("is a directory")

// serveFile serves name, in a compressed form if one stands beside it.
func (s *static) serveFile(w http.ResponseWriter, r *http.Request, root *os.Root, name string) error {
	plain, err := root.Stat(name)
	if err != nil {
		return fmt.Errorf("serve file: %w", err)
	}
	switch {
	case plain.IsDir():
		return errIsDirectory
	case !plain.Mode().IsRegular(): // a pipe would not open
		return fs.ErrNotExist
	}
	header := w.Header()
	chosen, info, encoding, varies := name, plain, "", false
	for _, form := range [...]struct{ encoding, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		compressed, err := root.Stat(name + form.suffix)
		if err != nil || !compressed.Mode().IsRegular() || compressed.ModTime().Before(plain.ModTime()) {
			continue // not there, or of an older build
		}
		varies = true
		if encoding == "" && accepts(r.Header.Values("Accept-Encoding"), form.encoding) {
			chosen, info, encoding = name+form.suffix, compressed, form.encoding
		}
	}
	if varies {
		header.Add("Vary", "Accept-Encoding")
	}
	file, err := root.Open(chosen)
	if err != nil {
		return fmt.Errorf("serve file: %w", err)
	}
	defer func() { _ = file.Close() }() // it was read only

	kind := contentType(name)
	header.Set("Content-Type", kind)
	if strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "text/javascript") {
		header.Set("Content-Security-Policy", contentSecurityPolicy)
	}
	if encoding != "" {
		header.Set("Content-Encoding", encoding)
		// http.ServeContent leaves it out where there is an encoding.
		header.Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	}
	// Seconds are too coarse for a page that is built again and reloaded.
	header.Set("ETag", fmt.Sprintf(`"%x-%x%s"`, info.ModTime().UnixNano(), info.Size(), encoding))
	http.ServeContent(w, r, name, info.ModTime(), file)
	return nil
}

// accepts reports whether an Accept-Encoding header allows an encoding (RFC 9110, 12.5.3).
func accepts(values []string, encoding string) bool {
	allowed := false
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, parameters, _ := strings.Cut(item, ";")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != encoding && name != "*" {
			continue
		}
		weight := 1.0
		if q, given := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameters)), "q="); given {
			var err error
			if weight, err = strconv.ParseFloat(strings.TrimSpace(q), 64); err != nil {
				weight = 0
			}
		}
		if name == encoding {
			return weight > 0
		}
		allowed = weight > 0
	}
	return allowed
}

func notFound(w http.ResponseWriter) {
	http.Error(w, "not found", http.StatusNotFound)
}
