//go:build js

// The Go program that runs in the browser, in a Worker or on the page's thread.
// jsglue loads it; it puts nothing on the global object.
package main

import (
	"syscall/js"

	"iotwasm/wasm/internal/bridge"
)

// version is the package's, set by the linker; the script checks it against its
// own.
var version = "development"

func main() {
	bridge.Run(js.Global().Get("iotwasmHost"), version)
}
