package mqttws

import "time"

// Identity is who opened a WebSocket and what that one may do.
type Identity struct {
	// ID names the principal; it is not secret.
	ID string
	// Allows decides about an action, such as iot:Publish, on a resource, such as
	// topic/a. It may be called from any goroutine, and is for this connection only.
	Allows func(action, resource string) bool
	// ExpiresAt is when the connection has to end; zero where the identity sets no end.
	ExpiresAt time.Time
	// Authenticate, if there is one, decides by the user name and the password of
	// CONNECT who this is. Until then the ID is empty and Allows allows nothing. Its
	// error is for the log and holds no secret.
	Authenticate func(username string, password []byte) (Identity, error)
}
