package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/sigv4"
)

func newSite(t *testing.T) http.Handler {
	t.Helper()
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for name, content := range map[string]string{
		"site/index.html": "<!doctype html>", "site/console/main.js": "x", "site/examples/seed/index.html": "seed",
		"site/gateway/main.go": "package main", "site/gateway/readme.txt": "x", "site/tool.go": "x", "site/.env": "x", "site/.git/config": "x",
		"site/empty/x.css": "x", "site/icon.svg": "<svg/>",
		"pkg/index.js": "plain", "pkg/index.js.br": "brotli", "pkg/index.js.gz": "gzip", "pkg/index.js.map": "{}", "pkg/index.d.ts": "x",
		"pkg/a.mjs": "x", "pkg/iotwasm.wasm": "\x00asm", "pkg/stale.js": "new", "pkg/stale.js.br": "old",
		"pkg/iotwasm.wasm.br": "brotli", "pkg/iotwasm.wasm.gz": "gzip", "pkg/chunks/part-ABCDEFGH.js": "plain", "pkg/chunks/part-ABCDEFGH.js.br": "brotli",
		"secret.txt": "x",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "pkg/stale.js" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), filepath.Join(dir, "site", "out.txt")); err != nil {
		t.Fatal(err)
	}
	site := &Site{
		Dir: filepath.Join(dir, "site"), PackageDir: filepath.Join(dir, "pkg"),
		Credentials: sigv4.NewCredentials("AKID", "secret"),
		MQTT:        http.NotFoundHandler(), MQTTPath: "/mqtt",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	return site.Handler()
}

func get(handler http.Handler, target string, header http.Header) *http.Response {
	request := httptest.NewRequest(http.MethodGet, "http://localhost:8080/", nil)
	request.URL.Path = target
	if header != nil {
		request.Header = header
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestFiles(t *testing.T) {
	handler := newSite(t)
	tests := []struct {
		path, accept string
		status       int
		kind, body   string
	}{
		{"/", "", 200, "text/html; charset=utf-8", "<!doctype html>"},
		{"/console/main.js", "", 200, "text/javascript; charset=utf-8", "x"},
		{"/examples/seed/", "", 200, "text/html; charset=utf-8", "seed"},
		{"/icon.svg", "", 200, "image/svg+xml", "<svg/>"},
		{"/pkg/index.js", "", 200, "text/javascript; charset=utf-8", "plain"},
		{"/pkg/index.js", "gzip, deflate, br", 200, "text/javascript; charset=utf-8", "brotli"},
		{"/pkg/index.js", "gzip, br;q=0", 200, "text/javascript; charset=utf-8", "gzip"},
		{"/pkg/index.js", "*;q=0.1", 200, "text/javascript; charset=utf-8", "brotli"},
		{"/pkg/index.js", "identity", 200, "text/javascript; charset=utf-8", "plain"},
		{"/pkg/stale.js", "br", 200, "text/javascript; charset=utf-8", "new"},
		{"/pkg/index.js.map", "", 200, "application/json", "{}"},
		{"/pkg/index.d.ts", "", 200, "text/plain; charset=utf-8", "x"},
		{"/pkg/a.mjs", "", 200, "text/javascript; charset=utf-8", "x"},
		{"/pkg/iotwasm.wasm", "", 200, "application/wasm", "\x00asm"},
		{"/pkg/iotwasm.wasm", "gzip, deflate, br", 200, "application/wasm", "brotli"},
		{"/pkg/iotwasm.wasm", "gzip", 200, "application/wasm", "gzip"},
		{"/pkg/chunks/part-ABCDEFGH.js", "br", 200, "text/javascript; charset=utf-8", "brotli"},
		{"/pkg/chunks/part-ABCDEFGH.js", "gzip", 200, "text/javascript; charset=utf-8", "plain"},
		{"/empty/", "", 404, "", ""}, {"/console/", "", 404, "", ""}, {"/pkg/", "", 404, "", ""}, {"/none", "", 404, "", ""},
		{"/gateway/", "", 404, "", ""}, {"/gateway/main.go", "", 404, "", ""}, {"/gateway/readme.txt", "", 404, "", ""}, {"/Gateway/readme.txt", "", 404, "", ""},
		{"/tool.go", "", 404, "", ""}, {"/tool.GO", "", 404, "", ""}, {"/.env", "", 404, "", ""}, {"/.git/config", "", 404, "", ""},
		{"/../secret.txt", "", 404, "", ""}, {"/console/../../secret.txt", "", 404, "", ""}, {"//secret.txt", "", 404, "", ""}, {"/console\\main.js", "", 404, "", ""},
		{"/out.txt", "", 404, "", ""}, {"/pkg/../index.html", "", 404, "", ""},
	}
	for _, test := range tests {
		header := http.Header{}
		if test.accept != "" {
			header.Set("Accept-Encoding", test.accept)
		}
		response := get(handler, test.path, header)
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		got := response.Header
		if response.StatusCode != test.status {
			t.Errorf("%s: status %d", test.path, response.StatusCode)
			continue
		}
		if test.status == 404 {
			if string(body) != "not found\n" || got.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("%s: %q %v", test.path, body, got)
			}
			continue
		}
		if string(body) != test.body || got.Get("Content-Type") != test.kind || got.Get("Cache-Control") != "no-cache" ||
			got.Get("X-Content-Type-Options") != "nosniff" || got.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s (%s): %q %v", test.path, test.accept, body, got)
		}
		encoding := map[string]string{"brotli": "br", "gzip": "gzip"}[string(body)]
		if got.Get("Content-Encoding") != encoding {
			t.Errorf("%s (%s): encoding %q", test.path, test.accept, got.Get("Content-Encoding"))
		}
		// Whatever was asked for: a cache must not give brotli to who does not take it.
		compressed := strings.HasPrefix(test.path, "/pkg/index.js") || strings.HasSuffix(test.path, ".wasm") || strings.HasPrefix(test.path, "/pkg/chunks/")
		if varies := slices.Contains(got.Values("Vary"), "Accept-Encoding"); varies != (compressed && test.path != "/pkg/index.js.map") {
			t.Errorf("%s (%s): Vary %q", test.path, test.accept, got.Values("Vary"))
		}
		wantsPolicy := test.kind[:9] == "text/html" || test.kind[:9] == "text/java"
		if hasPolicy := got.Get("Content-Security-Policy") == contentSecurityPolicy; hasPolicy != wantsPolicy {
			t.Errorf("%s: policy %q", test.path, got.Get("Content-Security-Policy"))
		}
	}
}

func TestDirectoryGetsItsSlash(t *testing.T) {
	response := get(newSite(t), "/examples/seed", nil)
	if response.StatusCode != http.StatusMovedPermanently || response.Header.Get("Location") != "./seed/" {
		t.Errorf("%d %q", response.StatusCode, response.Header.Get("Location"))
	}
}

func TestRevalidation(t *testing.T) {
	handler := newSite(t)
	first := get(handler, "/pkg/index.js", http.Header{"Accept-Encoding": {"br"}})
	tag := first.Header.Get("ETag")
	if again := get(handler, "/pkg/index.js", http.Header{"Accept-Encoding": {"br"}, "If-None-Match": {tag}}); again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d", again.StatusCode)
	}
	if other := get(handler, "/pkg/index.js", http.Header{"If-None-Match": {tag}}); other.StatusCode != http.StatusOK {
		t.Errorf("the tag of one encoding stands for another: %d", other.StatusCode)
	}
}

func TestPackageIsForThisMachinesOrigins(t *testing.T) {
	handler := newSite(t)
	for origin, allowed := range map[string]string{"http://localhost:5173": "http://localhost:5173", "https://evil.example": "", "null": "", "": ""} {
		header := http.Header{}
		if origin != "" {
			header.Set("Origin", origin)
		}
		got := get(handler, "/pkg/index.js", header).Header
		if got.Get("Access-Control-Allow-Origin") != allowed || got.Values("Vary")[0] != "Origin" {
			t.Errorf("%q: %v", origin, got)
		}
		if site := get(handler, "/", header).Header; site.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("the site is shared with %q", origin)
		}
	}
}

func TestMethodsAndHosts(t *testing.T) {
	handler := newSite(t)
	for _, test := range []struct {
		method, host string
		status       int
	}{
		{http.MethodHead, "localhost:8080", 200}, {http.MethodPost, "localhost:8080", 405}, {http.MethodGet, "evil.example", 421},
		{http.MethodGet, "127.0.0.1:1", 200}, {http.MethodGet, "[::1]:1", 200}, {http.MethodGet, "", 421},
	} {
		request := httptest.NewRequest(test.method, "/", nil)
		request.Host = test.host
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != test.status {
			t.Errorf("%s %s: %d", test.method, test.host, recorder.Code)
		}
	}
}
