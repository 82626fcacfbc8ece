package broker_test

import (
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/broker"
)

// FuzzStream feeds a connection with whatever a client may send. The connection ends,
// and the process goes on.
func FuzzStream(f *testing.F) {
	connect := "100e00044d5154540502003c" + "00" + "000163"
	for _, packets := range []string{
		connect, connect + "8206123400000170", connect + "82081234000001740130", connect + "3205000174000a00", connect + "c000" + "e000",
		"100d00044d51545404020000000163", connect + "300500017400" + "78", connect + "62020001", connect + "f000",
		connect + "32ffffff7f", "00", connect + "820a000100000423612f2300" + "01",
		"101a00044d5154540506003c00000163" + "050200000000" + "000174" + "000178", connect + "300a00017406230001230001",
	} {
		seed, err := hex.DecodeString(packets)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	profile, err := broker.ProfileNamed("aws")
	if err != nil {
		f.Fatal(err)
	}
	b, err := broker.New(slog.New(slog.DiscardHandler), broker.Options{Profile: profile})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = b.Close() })
	f.Fuzz(func(t *testing.T, stream []byte) {
		ours, theirs := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = b.Serve(t.Context(), plain{theirs}, broker.Principal{}) // an error is what is to be expected
		}()
		go func() { _, _ = io.Copy(io.Discard, ours) }()
		_ = ours.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = ours.Write(stream) // it may be cut off
		_ = ours.Close()
		select {
		case <-served:
		case <-time.After(20 * time.Second):
			t.Fatal("the connection does not end")
		}
	})
}
