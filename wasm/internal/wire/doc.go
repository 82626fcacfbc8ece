// Package wire owns the records that cross the boundary between the page's
// JavaScript and the Go program: their kinds, their fields and their bytes.
//
// A batch is a run of records. A record is its kind in one byte, the length of
// its body in four, and the body. Integers are little-endian; a string or a byte
// slice is its length in four bytes and its bytes. MQTT properties are a count in
// two bytes and then, for each, the identifier of the MQTT 5 specification,
// section 2.2.2.2, and the value in the type that the specification gives it.
// Times are float64 milliseconds since the Unix epoch.
//
// jsglue/src/wire.ts, with kinds.ts, is its mirror: change both together. The two are
// held to the same bytes by testdata/golden.json.
//
// wire imports paho's packets for the set of MQTT properties and nothing else of
// this module. It holds no state; any goroutine may call it.
package wire
