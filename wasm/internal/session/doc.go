// Package session owns one MQTT 5 session of the page: connecting, what is
// subscribed, what waits to be sent, what is in flight, and how it all ends.
//
// It builds on paho.Client, which makes the handshake, reads the connection and
// ends it. Packets go out through paho's packets, since a Publish or Subscribe of
// paho.Client holds a goroutine each; the packet identifiers and what is in
// flight are kept here, by the link type, which paho.Client knows as its
// SessionManager. PUBLISH and PUBACK, of which there are many, the link reads and
// writes itself, without paho's copies (inbound, outbound).
//
// Any goroutine may call a Session; its mutex guards all of its state and is
// never held while waiting. Callbacks (Events, Delivery, the functions passed to
// Subscribe and the like) run with that mutex held, in the order of what they
// tell: they must only take note, and never call the Session.
//
// It imports presign, the errors of wsconn, and wire for its vocabulary.
package session
