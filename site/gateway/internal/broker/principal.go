package broker

import "time"

// The actions which a Principal is asked about, and how their resources begin.
const (
	actionConnect       = "iot:Connect"       // client/<id>
	actionPublish       = "iot:Publish"       // topic/<topic>
	actionRetainPublish = "iot:RetainPublish" // topic/<topic>, besides iot:Publish
	actionSubscribe     = "iot:Subscribe"     // topicfilter/<filter>
	actionReceive       = "iot:Receive"       // topic/<topic>
)

// Principal is who is at the other end of a connection and what that one may do. It
// was found out before the connection reached the broker.
type Principal struct {
	// ID goes into lifecycle events.
	ID string
	// Allows decides about an action on a resource, from any goroutine; nil allows
	// everything.
	Allows func(action, resource string) bool
	// ExpiresAt ends the connection; the zero time does not.
	ExpiresAt time.Time
	// Authenticate, if it is set, replaces the principal by the one that CONNECT's user
	// name and password tell. Its error is for the log and holds no secret.
	Authenticate func(username string, password []byte) (Principal, error)
}

func (p *Principal) allows(action, resource string) bool {
	return p.Allows == nil || p.Allows(action, resource)
}
