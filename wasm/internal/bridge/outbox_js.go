package bridge

import (
	"runtime"
	"sync"
	"syscall/js"
	"unsafe"

	"iotwasm/wasm/internal/wire"
)

// outbox collects the records of one turn and hands them to the page in one call.
type outbox struct {
	emit js.Value // takes the address and the length of a batch, and copies it

	mu    sync.Mutex
	batch wire.Writer
	ready chan struct{}
}

func newOutbox(emit js.Value) *outbox {
	return &outbox{emit: emit, ready: make(chan struct{}, 1)}
}

// put appends what record writes to the batch of this turn.
func (o *outbox) put(record func(*wire.Writer)) {
	o.mu.Lock()
	if o.batch.Len() == 0 {
		select {
		case o.ready <- struct{}{}:
		default:
		}
	}
	record(&o.batch)
	o.mu.Unlock()
}

// run hands the batches over.
func (o *outbox) run() {
	for range o.ready {
		runtime.Gosched() // whoever is ready to run adds to this batch
		runtime.Gosched() // and what is to go to the server goes first: a hop to the page takes as long
		o.mu.Lock()
		if b := o.batch.Bytes(); len(b) > 0 {
			o.emit.Invoke(uintptr(unsafe.Pointer(unsafe.SliceData(b))), len(b))
			if o.batch.Reset(); cap(b) > 1<<20 {
				o.batch = wire.Writer{}
			}
		}
		o.mu.Unlock()
	}
}
