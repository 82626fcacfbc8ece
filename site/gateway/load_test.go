package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
)

var load = flag.Duration("load", 0, "how long TestLoad runs, for example 10m")

// TestLoad has 200 clients publish at AWS's limit, and looks at the memory.
func TestLoad(t *testing.T) {
	if *load == 0 {
		t.Skip("-load says for how long")
	}
	const clients, perSecond = 200, 100
	g := start(t)
	stop := make(chan struct{})
	var all sync.WaitGroup
	failures := make(chan error, clients)
	for i := range clients {
		c, _ := g.connect(t, fmt.Sprint("load-", i))
		all.Go(func() {
			tick := time.NewTicker(time.Second / perSecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				publish := &paho.Publish{Topic: fmt.Sprint("load/", i), Payload: make([]byte, 128)}
				if _, err := c.Publish(t.Context(), publish); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	time.Sleep(*load / 10)
	before := heap()
	time.Sleep(*load * 9 / 10)
	after := heap()
	close(stop)
	all.Wait()
	t.Logf("heap %d KB after a tenth of the time, %d KB at the end, %d goroutines", before>>10, after>>10, runtime.NumGoroutine())
	select {
	case err := <-failures:
		t.Errorf("a client was cut off: %v", err)
	default:
	}
	if after > before*3/2+8<<20 {
		t.Errorf("the memory grows: %d to %d bytes", before, after)
	}
}
