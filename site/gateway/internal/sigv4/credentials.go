package sigv4

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Credentials are an access key id and its secret access key. The secret is
// redacted in every text that fmt, encoding/json or log/slog makes of them.
type Credentials struct {
	AccessKeyID string
	// A pointer: fmt does not call methods on unexported fields of other structs,
	// and prints an inner pointer as an address.
	secret *string
}

// NewCredentials returns the credentials of one access key.
func NewCredentials(accessKeyID, secretAccessKey string) Credentials {
	return Credentials{AccessKeyID: accessKeyID, secret: &secretAccessKey}
}

// SecretAccessKey returns the secret itself; keep it out of logs and errors.
func (c Credentials) SecretAccessKey() string {
	if c.secret == nil {
		return ""
	}
	return *c.secret
}

// String names the access key and hides its secret.
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
