package wire

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// ErrMalformed says that a batch does not hold what its records promise. Only a
// script and a program of different builds can bring it about.
var ErrMalformed = errors.New("wire: malformed batch")

// What reads and writes a field is kept from being inlined at each of its many
// uses, which would cost the page 15 KB.

// Writer appends records to a batch. The zero value is an empty batch.
type Writer struct {
	buf   []byte
	start int // where the body of the open record begins
}

// Bytes returns the batch. It aliases the Writer's memory until Reset.
func (w *Writer) Bytes() []byte { return w.buf }

// Len returns the size of the batch in bytes.
func (w *Writer) Len() int { return len(w.buf) }

// Reset empties the batch and keeps its memory.
func (w *Writer) Reset() { w.buf = w.buf[:0] }

//go:noinline
func (w *Writer) begin(kind byte) {
	w.buf = append(w.buf, kind, 0, 0, 0, 0)
	w.start = len(w.buf)
}

func (w *Writer) end() {
	binary.LittleEndian.PutUint32(w.buf[w.start-4:], uint32(len(w.buf)-w.start))
}

func (w *Writer) u8(v byte)    { w.buf = append(w.buf, v) }
func (w *Writer) u16(v uint16) { w.buf = binary.LittleEndian.AppendUint16(w.buf, v) }

//go:noinline
func (w *Writer) u32(v uint32) { w.buf = binary.LittleEndian.AppendUint32(w.buf, v) }

func (w *Writer) bool(v bool) {
	if v {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

//go:noinline
func (w *Writer) time(t time.Time) {
	ms := 0.0
	if !t.IsZero() {
		ms = float64(t.UnixMicro()) / 1e3
	}
	w.number(ms)
}

// milliseconds writes a duration.
func (w *Writer) milliseconds(d time.Duration) {
	w.number(float64(d.Microseconds()) / 1e3)
}

//go:noinline
func (w *Writer) number(v float64) {
	w.buf = binary.LittleEndian.AppendUint64(w.buf, math.Float64bits(v))
}

//go:noinline
func (w *Writer) string(s string) {
	w.u32(uint32(len(s)))
	w.buf = append(w.buf, s...)
}

//go:noinline
func (w *Writer) bytes(b []byte) {
	w.u32(uint32(len(b)))
	w.buf = append(w.buf, b...)
}

// Reader takes a batch apart.
type Reader struct {
	buf []byte
	off int
	err error
}

// NewReader reads batch, which must not change while it is read: byte slices of
// the records alias it.
func NewReader(batch []byte) *Reader { return &Reader{buf: batch} }

// Next returns the next record's kind and a Reader of its body. ok is false at
// the end of the batch and where the batch is malformed; Err tells which.
func (r *Reader) Next() (kind byte, body *Reader, ok bool) {
	if r.err != nil || r.off == len(r.buf) {
		return 0, nil, false
	}
	kind = r.u8()
	b := r.bytes()
	if r.err != nil {
		return 0, nil, false
	}
	return kind, &Reader{buf: b}, true
}

// Err returns ErrMalformed if something read was not there.
func (r *Reader) Err() error { return r.err }

func (r *Reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.buf)-r.off {
		r.err = ErrMalformed
		return nil
	}
	b := r.buf[r.off : r.off+n : r.off+n]
	r.off += n
	return b
}

//go:noinline
func (r *Reader) u8() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

//go:noinline
func (r *Reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

//go:noinline
func (r *Reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *Reader) bool() bool { return r.u8() != 0 }

//go:noinline
func (r *Reader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

//go:noinline
func (r *Reader) time() time.Time {
	ms := r.float()
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(math.Round(ms * 1e3)))
}

// milliseconds reads a duration.
//
//go:noinline
func (r *Reader) milliseconds() time.Duration {
	return time.Duration(r.float() * float64(time.Millisecond))
}

// duration reads whole milliseconds.
func (r *Reader) duration() time.Duration { return time.Duration(r.u32()) * time.Millisecond }

//go:noinline
func (r *Reader) bytes() []byte { return r.take(int(r.u32())) }

//go:noinline
func (r *Reader) string() string { return string(r.bytes()) }

// count reads how many items follow, each of at least size bytes, so that a
// malformed count never reserves more memory than the batch has.
func (r *Reader) count(size int) int {
	n := int(r.u16())
	if n*size > len(r.buf)-r.off {
		r.err = ErrMalformed
		return 0
	}
	return n
}
