// Package wsconn owns the connection to the server: a net.Conn, made for paho,
// over coder/websocket's browser side.
//
// A Write keeps what it is given until the goroutine that writes gets its turn,
// so that the packets of one turn go out in one WebSocket message; MQTT allows a
// message to hold many packets and parts of packets [MQTT-6.0.0-3]. Close never
// waits for the peer. A failed or late dial leaves no socket open, and no URL
// reaches an error: coder/websocket, whose errors name the URL it dials, is given
// a key instead, and the page's script, which holds the URL under that key, opens
// the socket (jsglue/src/socket.ts).
//
// Dial and a Conn may be used from any goroutine. It imports coder/websocket and
// nothing of this module.
package wsconn

import "strconv"

// CloseError says with which close code the WebSocket ended.
type CloseError struct {
	Code   int // as in RFC 6455, section 7.4.1; 1006: without a close frame
	Reason string
}

// Error returns the code and, where there is one, the reason.
func (e *CloseError) Error() string {
	s := "WebSocket close code " + strconv.Itoa(e.Code)
	if e.Reason != "" {
		s += ", " + strconv.Quote(e.Reason)
	}
	return s
}
