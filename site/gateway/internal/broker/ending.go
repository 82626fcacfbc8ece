package broker

import "github.com/mochi-mqtt/server/v2/packets"

// ending is why a connection ends: what an MQTT 5 client is told, and what lifecycle
// events and the log say.
type ending struct {
	// code goes into DISCONNECT; 0 sends none.
	code byte
	// text goes into DISCONNECT and the log. It is the broker's own, never a client's.
	text string
	// lifecycle is AWS's disconnectReason.
	lifecycle string
}

// AWS's disconnectReason values which the broker has a use for.
const (
	lifecycleClientInitiated = "CLIENT_INITIATED_DISCONNECT"
	lifecycleClientError     = "CLIENT_ERROR"
	lifecycleConnectionLost  = "CONNECTION_LOST"
	lifecycleDuplicate       = "DUPLICATE_CLIENTID"
	lifecycleForbidden       = "FORBIDDEN_ACCESS"
	lifecycleKeepAlive       = "MQTT_KEEP_ALIVE_TIMEOUT"
	lifecycleServerError     = "SERVER_ERROR"
	lifecycleServerInitiated = "SERVER_INITIATED_DISCONNECT"
	lifecycleAPIInitiated    = "API_INITIATED_DISCONNECT"
	lifecycleThrottled       = "THROTTLED"
	lifecycleTooOld          = "WEBSOCKET_TTL_EXPIRATION"
	lifecycleExpired         = "CUSTOMAUTH_TTL_EXPIRATION"
)

var (
	endLost       = ending{0, "connection lost", lifecycleConnectionLost}
	endByClient   = ending{0, "client disconnected", lifecycleClientInitiated}
	endWithWill   = ending{0, "client disconnected, with its will", lifecycleClientInitiated}
	endNoConnect  = ending{0, "no CONNECT came in time", lifecycleClientError}
	endShutdown   = ending{0x8b, "server shutting down", lifecycleServerInitiated}
	endKeepAlive  = ending{0x8d, "keep alive timeout", lifecycleKeepAlive}
	endDuplicate  = ending{0x8e, "session taken over by another connection", lifecycleDuplicate}
	endByAPI      = ending{0x98, "disconnected by request", lifecycleAPIInitiated}
	endCredential = ending{0x87, "the credentials expired", lifecycleExpired}
	endPanic      = ending{0x80, "internal error", lifecycleServerError}
)

// fault is an ending for what a client did.
func fault(code byte, text string) ending { return ending{code, text, lifecycleClientError} }

func forbidden(text string) ending { return ending{0x87, text, lifecycleForbidden} }

func throttled(text string) ending { return ending{0x97, text, lifecycleThrottled} }

func malformed(text string) ending { return fault(packets.ErrMalformedPacket.Code, text) }

func violation(text string) ending { return fault(packets.ErrProtocolViolation.Code, text) }

// Error lets an ending be returned up to Serve.
func (e ending) Error() string { return e.text }
