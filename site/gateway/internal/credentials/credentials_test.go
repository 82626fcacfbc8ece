package credentials

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/sigv4"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)

func newHandler(t *testing.T, log io.Writer) *Handler {
	t.Helper()
	store, err := NewStore(sigv4.NewCredentials("AKIDONE", "one"), sigv4.NewCredentials("AKIDTWO", "two"))
	if err != nil {
		t.Fatal(err)
	}
	return &Handler{Store: store, Duration: DefaultDuration, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil))}
}

func TestHandler(t *testing.T) {
	var log strings.Builder
	h := newHandler(t, &log)
	for _, test := range []struct {
		method, query string
		status        int
		want          string // expiration, or message
	}{
		{http.MethodGet, "", 200, "2026-03-01T13:00:00Z"},
		{http.MethodPost, "", 200, "2026-03-01T13:00:00Z"},
		{http.MethodGet, "?duration=1", 200, "2026-03-01T12:00:01Z"},
		{http.MethodPost, "?duration=43200", 200, "2026-03-02T00:00:00Z"},
		{http.MethodGet, "?duration=0", 400, "duration must be a whole number of seconds from 1 to 43200"},
		{http.MethodGet, "?duration=43201", 400, "duration must be"},
		{http.MethodGet, "?duration=1h", 400, "duration must be"},
		{http.MethodGet, "?duration=", 400, "duration must be"},
		{http.MethodGet, "?durationSeconds=60", 400, "the query may hold duration only"},
		{http.MethodGet, "?duration=60&duration=61", 400, "and once"},
		{http.MethodGet, "?duration=%zz", 400, "malformed query"},
		{http.MethodDelete, "", 405, "method not allowed"},
	} {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, httptest.NewRequest(test.method, "/credentials"+test.query, nil))
		var got map[string]string
		if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		header := recorder.Header()
		if recorder.Code != test.status || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %d %v", test.method, test.query, recorder.Code, header)
		}
		if test.status != 200 {
			if len(got) != 1 || !strings.Contains(got["message"], test.want) {
				t.Errorf("%s %s: %v", test.method, test.query, got)
			}
			continue
		}
		if len(got) != 4 || got["expiration"] != test.want || !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(got["accessKeyId"]) ||
			len(got["secretAccessKey"]) != 40 || !strings.HasSuffix(got["sessionToken"], "==") {
			t.Errorf("%s %s: %v", test.method, test.query, got)
		}
		c, ok := h.Store.Find(got["accessKeyId"])
		if !ok || c.SecretAccessKey() != got["secretAccessKey"] || c.SessionToken() != got["sessionToken"] || c.Expires.Format(time.RFC3339) != test.want {
			t.Errorf("the store has other credentials: %v", c)
		}
		if strings.Contains(log.String(), got["secretAccessKey"]) || strings.Contains(log.String(), got["sessionToken"]) {
			t.Error("the log shows a secret")
		}
	}
}

func TestStoreIsBounded(t *testing.T) {
	h := newHandler(t, io.Discard)
	first := h.Store.Issue(now, time.Hour)
	second := h.Store.Issue(now, time.Hour)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for range (maxIssued - 1) / 2 {
				h.Store.Issue(now, time.Hour)
			}
		})
	}
	all.Wait()
	last := h.Store.Issue(now, time.Hour)
	if _, kept := h.Store.Find(first.AccessKeyID); kept || len(h.Store.issued) != maxIssued || len(h.Store.order) != maxIssued {
		t.Errorf("%d kept", len(h.Store.issued))
	}
	for _, id := range []string{second.AccessKeyID, last.AccessKeyID, "AKIDONE", "AKIDTWO"} {
		if _, ok := h.Store.Find(id); !ok {
			t.Errorf("%s is gone", id)
		}
	}
}

func TestPermanentKeysDiffer(t *testing.T) {
	const secret = "verysecret"
	for _, keys := range [][]sigv4.Credentials{
		{sigv4.NewCredentials("A", secret), sigv4.NewCredentials("A", "x")},
		{sigv4.NewCredentials("", secret)},
		{sigv4.NewCredentials("A", "")},
	} {
		if _, err := NewStore(keys...); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%v: %v", keys, err)
		}
	}
}
