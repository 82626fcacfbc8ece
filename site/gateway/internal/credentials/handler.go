package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Handler answers GET and POST with temporary credentials, in the form of the
// credentials of AWS's SDKs, with the expiration as ISO 8601 text. The query may say
// how long they are to last: ?duration= and seconds.
type Handler struct {
	Store    *Store
	Duration time.Duration // without a query
	Now      func() time.Time
	Log      *slog.Logger
}

// ServeHTTP issues credentials. Who may ask is decided before.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		header.Set("Allow", "GET, POST")
		fail(w, http.StatusMethodNotAllowed, "method not allowed")
		return
	}
	duration, err := h.duration(r.URL.RawQuery)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	c := h.Store.Issue(h.Now(), duration)
	h.Log.Info("credentials issued", "remote", r.RemoteAddr, "key", c.AccessKeyID, "expires", c.Expires.UTC().Format(time.RFC3339))
	body, _ := json.Marshal(struct { // of strings: cannot fail
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SessionToken    string `json:"sessionToken"`
		Expiration      string `json:"expiration"`
	}{c.AccessKeyID, c.SecretAccessKey(), c.SessionToken(), c.Expires.UTC().Format(time.RFC3339)})
	_, _ = w.Write(body) // the client may be gone
}

func (h *Handler) duration(query string) (time.Duration, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return 0, errors.New("malformed query")
	}
	given, asked := values["duration"]
	switch {
	case len(values) == 0:
		return h.Duration, nil
	case !asked || len(values) > 1 || len(given) > 1:
		return 0, errors.New("the query may hold duration only, and once")
	}
	seconds, err := strconv.Atoi(given[0])
	if err != nil || seconds < int(MinDuration/time.Second) || seconds > int(MaxDuration/time.Second) {
		return 0, fmt.Errorf("duration must be a whole number of seconds from %d to %d", MinDuration/time.Second, MaxDuration/time.Second)
	}
	return time.Duration(seconds) * time.Second, nil
}

func fail(w http.ResponseWriter, status int, message string) {
	body, _ := json.Marshal(struct { // of a string: cannot fail
		Message string `json:"message"`
	}{message})
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
