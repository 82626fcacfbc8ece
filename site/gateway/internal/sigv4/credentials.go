package sigv4

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	redacted = "[redacted]"
	// temporaryPrefix begins the id of every temporary access key.
	temporaryPrefix = "ASIA"
)

// Credentials are an access key id, its secret access key and, with temporary ones,
// a session token. Secret and token are redacted in every text that fmt,
// encoding/json or log/slog makes of them.
type Credentials struct {
	AccessKeyID string
	// Expires is when temporary credentials end; zero for permanent ones.
	Expires time.Time
	// Pointers: fmt does not call methods on unexported fields of other structs,
	// and prints an inner pointer as an address.
	secret, token *string
}

// NewCredentials returns the credentials of one permanent access key.
func NewCredentials(accessKeyID, secretAccessKey string) Credentials {
	return Credentials{AccessKeyID: accessKeyID, secret: &secretAccessKey}
}

// NewTemporaryCredentials returns credentials which are good with their session token
// only, and until they expire.
func NewTemporaryCredentials(accessKeyID, secretAccessKey, sessionToken string, expires time.Time) Credentials {
	return Credentials{AccessKeyID: accessKeyID, Expires: expires, secret: &secretAccessKey, token: &sessionToken}
}

// SecretAccessKey returns the secret itself; keep it out of logs and errors.
func (c Credentials) SecretAccessKey() string { return text(c.secret) }

// SessionToken returns the token, or nothing for a permanent access key; keep it out
// of logs and errors.
func (c Credentials) SessionToken() string { return text(c.token) }

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// withToken returns c if token, which came with a request of c's owner, is the one that
// is due. It is for after the check of the signature, so that nobody else learns what
// is wrong with a token.
func (c Credentials) withToken(token string, now time.Time) (Credentials, error) {
	switch {
	case c.token == nil && token != "":
		return Credentials{}, refuse("a session token came with a permanent access key")
	case c.token == nil:
		return c, nil
	case token == "":
		return Credentials{}, refuse("temporary credentials need their session token in %s", paramSecurityToken)
	case subtle.ConstantTimeCompare([]byte(token), []byte(*c.token)) != 1:
		return Credentials{}, refuse("the session token is not that of the access key")
	case !now.Before(c.Expires):
		return Credentials{}, refuse("the temporary credentials have expired, at %s", c.Expires.UTC().Format(time.RFC3339))
	}
	return c, nil
}

// unknownKey says what an access key id that is not known may be.
func unknownKey(id, token string) error {
	switch temporary := strings.HasPrefix(id, temporaryPrefix); {
	case temporary && token == "":
		return refuse("unknown temporary access key id, and no session token in %s", paramSecurityToken)
	case temporary:
		return refuse("unknown temporary access key id: this run of the gateway did not issue it, or long ago")
	}
	return refuse("unknown access key id")
}

// String names the access key and hides its secrets.
func (c Credentials) String() string {
	return "{" + c.AccessKeyID + " " + redacted + "}"
}

// GoString is String, for %#v.
func (c Credentials) GoString() string { return c.String() }

// Format writes String, whatever the verb.
func (c Credentials) Format(state fmt.State, _ rune) {
	_, _ = io.WriteString(state, c.String()) // a fmt.State keeps its own errors
}

// LogValue is String, for log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }
