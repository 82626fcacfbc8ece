package session

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"iotwasm/wasm/internal/presign"
	"iotwasm/wasm/internal/wire"
	"iotwasm/wasm/internal/wsconn"
)

// InvalidArgument turns a *presign.FieldError into what the page sees.
func InvalidArgument(err error) *wire.Error {
	var fe *presign.FieldError
	if !errors.As(err, &fe) {
		return &wire.Error{Code: wire.Internal, Message: "unexpected failure while signing"}
	}
	e := &wire.Error{Code: wire.InvalidArgument, Field: fe.Field, Message: fe.Error()}
	switch fe.Field {
	case "endpoint":
		e.Hint = "For AWS IoT Core the device data endpoint, as aws iot describe-endpoint --endpoint-type iot:Data-ATS prints it; for a local gateway ws://localhost:8080."
	case "url":
		e.Hint = "ws: goes to a loopback host only, since it would send everything in clear text; use wss: for others."
	}
	return e
}

func closedError() *wire.Error {
	return &wire.Error{Code: wire.ClientClosed, Message: "the client is closed"}
}

// contextError says what ended ctx, or returns otherwise where nothing did.
func contextError(ctx context.Context, otherwise *wire.Error) *wire.Error {
	switch {
	case ctx.Err() == nil:
		return otherwise
	case errors.Is(context.Cause(ctx), errConnectTimeout):
		return &wire.Error{Code: wire.Timeout, Retryable: true, Message: "the connection was not established in time",
			Hint: "connectTimeout covers the credentials, the WebSocket and the CONNACK together. Check that the endpoint is right and reachable."}
	}
	if errors.Is(context.Cause(ctx), errSuspended) {
		return &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: "the page was suspended while it connected"}
	}
	return closedError()
}

// handshakeError tells of a WebSocket that did not open. Browsers hide the
// server's answer from scripts; the page adds what it can find out.
func handshakeError(t wire.Target) *wire.Error {
	e := &wire.Error{Code: wire.HandshakeFailed, Retryable: true, Message: "the WebSocket could not be opened; browsers hide the reason"}
	if t.URL == "" {
		e.Field = "credentials"
	}
	return e
}

func connackError(c *paho.Connack) *wire.Error {
	reason := ""
	if c.Properties != nil {
		reason = c.Properties.ReasonString
	}
	e := refusal(wire.ConnackRefused, "the server refused the CONNECT", c.ReasonCode, reason)
	switch c.ReasonCode {
	case packets.ConnackNotAuthorized, packets.ConnackBadUsernameOrPassword:
		e.Hint = "Check that the credentials' policy allows iot:Connect for this client identifier."
	case packets.ConnackInvalidClientID:
		e.Field = "clientId"
		e.Hint = "AWS IoT Core takes client identifiers of 1 to 128 bytes that do not begin with $."
	case packets.ConnackUnsupportedProtocolVersion:
		e.Hint = "iotwasm speaks MQTT 5; the server does not."
	}
	return e
}

func publishError(a wire.Acknowledgement) *wire.Error {
	e := refusal(wire.PublishRefused, "the server refused the message", a.ReasonCode, reasonString(a.Properties))
	if a.ReasonCode == packets.PubackNotAuthorized {
		e.Hint = "Check that the credentials' policy allows iot:Publish on this topic."
	}
	return e
}

func subscribeError(what string, code byte) *wire.Error {
	return refusal(wire.SubscribeRefused, what, code, "")
}

func disconnectError(d *packets.Disconnect) *wire.Error {
	e := refusal(wire.ServerDisconnect, "the server ended the connection", d.ReasonCode, reasonString(d.Properties))
	if d.ReasonCode == packets.DisconnectSessionTakenOver {
		e.Hint = "Another connection, perhaps another tab, uses the same client identifier."
	}
	return e
}

// linkError explains the end of a connection without a DISCONNECT.
func linkError(err error, message string) *wire.Error {
	var ce *wsconn.CloseError
	var ne net.Error
	switch {
	case errors.Is(err, errKeepAlive):
		return &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: "the server did not answer within the keep alive"}
	case errors.As(err, &ce):
		return &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: message + ": " + ce.Error()}
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &ne):
		return &wire.Error{Code: wire.TransportClosed, Retryable: true, Message: message}
	case errors.Is(err, errOlderServer):
		return &wire.Error{Code: wire.ProtocolError, Message: "the server answered as one of MQTT 3.1.1 does",
			Hint: "iotwasm speaks MQTT 5: the server does not, or has it switched off."}
	case errors.Is(err, errPacketTooLarge):
		return &wire.Error{Code: wire.ProtocolError, Message: "the server sent a packet larger than the maximum packet size"}
	}
	return &wire.Error{Code: wire.ProtocolError, Message: "the server sent what is not MQTT 5"}
}

func reasonString(p *packets.Properties) string {
	if p == nil {
		return ""
	}
	return p.ReasonString
}

// refusal is an error for a reason code of the server.
func refusal(code wire.Code, what string, reasonCode byte, reasonString string) *wire.Error {
	e := &wire.Error{Code: code, HasReasonCode: true, ReasonCode: reasonCode, Message: what + ": " + reasonName(reasonCode)}
	if reasonString != "" {
		e.Message += " (" + reasonString + ")"
	}
	switch reasonCode {
	case 0x80, 0x83, 0x88, 0x89, 0x8B, 0x8D, 0x93, 0x96, 0x97, 0x98, 0x9C, 0x9D, 0x9F, 0xA0:
		e.Retryable = true
	}
	return e
}

// reasonName is the name that MQTT 5, section 2.4, gives a reason code.
func reasonName(code byte) string {
	if name, ok := reasonNames[code]; ok {
		return name
	}
	const hex = "0123456789ABCDEF"
	return "reason code 0x" + string([]byte{hex[code>>4], hex[code&15]})
}

var reasonNames = map[byte]string{
	0x00: "Normal disconnection",
	0x04: "Disconnect with Will Message",
	0x80: "Unspecified error",
	0x81: "Malformed Packet",
	0x82: "Protocol Error",
	0x83: "Implementation specific error",
	0x84: "Unsupported Protocol Version",
	0x85: "Client Identifier not valid",
	0x86: "Bad User Name or Password",
	0x87: "Not authorized",
	0x88: "Server unavailable",
	0x89: "Server busy",
	0x8A: "Banned",
	0x8B: "Server shutting down",
	0x8C: "Bad authentication method",
	0x8D: "Keep Alive timeout",
	0x8E: "Session taken over",
	0x8F: "Topic Filter invalid",
	0x90: "Topic Name invalid",
	0x91: "Packet Identifier in use",
	0x92: "Packet Identifier not found",
	0x93: "Receive Maximum exceeded",
	0x94: "Topic Alias invalid",
	0x95: "Packet too large",
	0x96: "Message rate too high",
	0x97: "Quota exceeded",
	0x98: "Administrative action",
	0x99: "Payload format invalid",
	0x9A: "Retain not supported",
	0x9B: "QoS not supported",
	0x9C: "Use another server",
	0x9D: "Server moved",
	0x9E: "Shared Subscriptions not supported",
	0x9F: "Connection rate exceeded",
	0xA0: "Maximum connect time",
	0xA1: "Subscription Identifiers not supported",
	0xA2: "Wildcard Subscriptions not supported",
}
