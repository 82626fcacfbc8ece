package fault

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// Paths are what the handler of Control answers; those which end with a slash, all
// below it.
var Paths = []string{"/_gateway/faults", "/_gateway/faults/", "/_gateway/connections/"}

const maxBody = 64 << 10

// Control is the HTTP API to an Injector. Which hosts and origins may call it is
// decided before.
type Control struct {
	Injector *Injector
	// Token is asked for as Authorization: Bearer.
	Token string
	Log   *slog.Logger
}

// NewToken returns a token that cannot be guessed.
func NewToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Handler returns the handler for Paths.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_gateway/faults", c.list)
	mux.HandleFunc("POST /_gateway/faults", c.add)
	mux.HandleFunc("DELETE /_gateway/faults", c.clear)
	mux.HandleFunc("DELETE /_gateway/faults/{id}", c.remove)
	mux.HandleFunc("POST /_gateway/connections/{clientId}/kill", c.end("kill", c.Injector.Kill))
	mux.HandleFunc("POST /_gateway/connections/{clientId}/freeze", c.end("freeze", c.Injector.Freeze))
	mux.HandleFunc("POST /_gateway/connections/{clientId}/disconnect", c.disconnect)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !c.knows(r) {
			c.Log.Warn("control request refused", "remote", r.RemoteAddr, "status", http.StatusUnauthorized)
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, "the token is needed which the gateway printed when it started")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (c *Control) knows(r *http.Request) bool {
	given := r.Header.Values("Authorization")
	if len(given) != 1 || c.Token == "" {
		return false
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(token), []byte(c.Token)) == 1
}

func (c *Control) list(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, struct {
		Rules []Status `json:"rules"`
	}{c.Injector.List()})
}

func (c *Control) add(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			fail(w, http.StatusRequestEntityTooLarge, "the rule is too long")
		} else {
			fail(w, http.StatusBadRequest, "the request's body cannot be read")
		}
		return
	}
	rule, err := ParseRule(text)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	id, err := c.Injector.Add(*rule)
	switch {
	case errors.Is(err, ErrTaken), errors.Is(err, ErrTooMany):
		fail(w, http.StatusConflict, err.Error())
		return
	case err != nil:
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	c.Log.Info("fault set", "id", id, "fault", rule.Fault, "action", rule.Action)
	answer(w, http.StatusCreated, struct {
		ID string `json:"id"`
	}{id})
}

func (c *Control) clear(w http.ResponseWriter, _ *http.Request) {
	c.Injector.Clear()
	c.Log.Info("faults removed")
	w.WriteHeader(http.StatusNoContent)
}

func (c *Control) remove(w http.ResponseWriter, r *http.Request) {
	if !c.Injector.Remove(r.PathValue("id")) {
		fail(w, http.StatusNotFound, "there is no such rule")
		return
	}
	c.Log.Info("fault removed", "id", r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
}

func (c *Control) end(how string, end func(clientID string) bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		clientID := r.PathValue("clientId")
		if !end(clientID) {
			fail(w, http.StatusNotFound, "there is no such client")
			return
		}
		c.Log.Info("connection struck", "client", clientID, "fault", how)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (c *Control) disconnect(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.ParseUint(r.URL.Query().Get("reasonCode"), 0, 8)
	if err != nil {
		fail(w, http.StatusBadRequest, "reasonCode: must be 0 to 255, or 0x0 to 0xff")
		return
	}
	c.end("disconnect", func(clientID string) bool { return c.Injector.Disconnect(clientID, byte(code)) })(w, r)
}

func fail(w http.ResponseWriter, status int, message string) {
	answer(w, status, struct {
		Message string `json:"message"`
	}{message})
}

func answer(w http.ResponseWriter, status int, value any) {
	body, _ := json.Marshal(value) // of texts and numbers: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
