package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAPIsAreForThisMachinesPages(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, name+" "+r.Method) })
	}
	site := &Site{
		Dir: t.TempDir(), PackageDir: t.TempDir(), MQTT: http.NotFoundHandler(), MQTTPath: "/mqtt",
		APIs: map[string]http.Handler{"/credentials": named("credentials"), "/things/": named("things"), "/things/deep/": named("deep")},
		Log:  slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	handler := site.Handler()
	const page, foreign = "http://localhost:5173", "https://evil.example"
	for _, test := range []struct {
		name, method, host, path string
		header                   http.Header
		status                   int
		body, allowed            string
	}{
		{"no page", "GET", "localhost:8080", "/credentials", nil, 200, "credentials GET", ""},
		{"POST", "POST", "localhost:8080", "/credentials", nil, 200, "credentials POST", ""},
		{"own page", "GET", "localhost:8080", "/credentials", http.Header{"Sec-Fetch-Site": {"same-origin"}}, 200, "credentials GET", ""},
		{"address bar", "GET", "localhost:8080", "/credentials", http.Header{"Sec-Fetch-Site": {"none"}}, 200, "credentials GET", ""},
		{"another page of this machine", "GET", "localhost:8080", "/credentials", http.Header{"Origin": {page}, "Sec-Fetch-Site": {"same-site"}}, 200, "credentials GET", page},
		{"by another name of it", "GET", "127.0.0.1:8080", "/credentials", http.Header{"Origin": {page}, "Sec-Fetch-Site": {"cross-site"}}, 200, "credentials GET", page},
		{"foreign page", "GET", "localhost:8080", "/credentials", http.Header{"Origin": {foreign}}, 403, "", ""},
		{"foreign page, POST", "POST", "localhost:8080", "/credentials", http.Header{"Origin": {foreign}}, 403, "", ""},
		{"foreign page, preflight", "OPTIONS", "localhost:8080", "/credentials", http.Header{"Origin": {foreign}, "Access-Control-Request-Method": {"POST"}}, 403, "", ""},
		{"script of a foreign page", "GET", "localhost:8080", "/credentials", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "", ""},
		{"null origin", "GET", "localhost:8080", "/credentials", http.Header{"Origin": {"null"}}, 403, "", ""},
		{"two origins", "GET", "localhost:8080", "/credentials", http.Header{"Origin": {page, foreign}}, 403, "", ""},
		{"DNS rebinding", "GET", "evil.example:8080", "/credentials", nil, 421, "", ""},
		{"DNS rebinding with its own origin", "GET", "evil.example", "/credentials", http.Header{"Origin": {"http://evil.example"}}, 421, "", ""},
		{"by prefix", "DELETE", "localhost", "/things/a/shadow", nil, 200, "things DELETE", ""},
		{"by the longest prefix", "GET", "localhost", "/things/deep/a", nil, 200, "deep GET", ""},
		{"not below an exact path", "GET", "localhost", "/credentials/", nil, 404, "", ""},
		{"no API", "POST", "localhost", "/thing", nil, 405, "", ""},
	} {
		r := httptest.NewRequest(test.method, "/", nil)
		r.Host, r.URL.Path = test.host, test.path
		for name, values := range test.header {
			r.Header[name] = values
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		header := recorder.Header()
		if recorder.Code != test.status || header.Get("Access-Control-Allow-Origin") != test.allowed || header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d %v", test.name, recorder.Code, header)
		}
		if test.status == 200 && (recorder.Body.String() != test.body || header.Get("Vary") == "" || header.Get("Cross-Origin-Resource-Policy") != "same-origin") {
			t.Errorf("%s: %q %v", test.name, recorder.Body, header)
		}
	}
}

func TestPreflight(t *testing.T) {
	site := &Site{APIs: map[string]http.Handler{"/credentials": http.NotFoundHandler()}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	r := httptest.NewRequest(http.MethodOptions, "/credentials", nil)
	r.Host = "localhost:8080"
	r.Header.Set("Origin", "http://localhost:5173")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "authorization,x-amz-date")
	recorder := httptest.NewRecorder()
	site.Handler().ServeHTTP(recorder, r)
	header := recorder.Header()
	if recorder.Code != http.StatusNoContent || header.Get("Access-Control-Allow-Origin") != "http://localhost:5173" ||
		header.Get("Access-Control-Allow-Methods") != "GET, POST, DELETE" || header.Get("Access-Control-Allow-Headers") != "authorization,x-amz-date" {
		t.Errorf("%d %v", recorder.Code, header)
	}
}
