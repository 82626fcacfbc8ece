// Package bridge owns the boundary to the page's JavaScript: batches of records
// in, batches of records out, and which session, run or signature each is for.
//
// One goroutine takes the batches in and calls session and delay; their
// callbacks, from any goroutine, only append to the batch that goes out.
//
// It is what the program starts; it imports session, delay, wsconn and wire.
package bridge
