package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"
)

// FuzzReceive is a parent that reads what a child sends, whatever it has become.
func FuzzReceive(f *testing.F) {
	var good bytes.Buffer
	writeFrame(&good, kindProgress, make([]byte, 8))
	writeFrame(&good, kindFailure, []byte(`{"code":"invalid","failure":"layer","message":"m\u001b[1m"}`))
	writeFrame(&good, kindAnswer, []byte("answer"))
	f.Add(good.Bytes())
	f.Add([]byte("a\xff\xff\xff\xff"))
	f.Add([]byte("f\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := bytes.NewReader(raw)
		for {
			what, payload, err := readFrame(in)
			if err != nil {
				return
			}
			if len(payload) > what.limit() || len(payload) > len(raw) {
				t.Fatalf("frame %q of %d bytes", byte(what), len(payload))
			}
			if failed, ok := decodeFailure(payload); ok && what == kindFailure {
				text := failed.error().Error()
				if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\n") {
					t.Fatalf("text %q", text)
				}
			}
		}
	})
}

// FuzzBody is a child that reads a body: what it hands on is the payload of body frames, and
// it stops at the end.
func FuzzBody(f *testing.F) {
	f.Add([]byte("abc"), []byte("defg"), true)
	f.Add([]byte{}, []byte{0}, false)
	f.Fuzz(func(t *testing.T, a, b []byte, whole bool) {
		if len(a) > chunkSize || len(b) > chunkSize {
			return
		}
		var sent, back bytes.Buffer
		c := &sharedMemory{bytes: make([]byte, sharedSlots*chunkSize)}
		c.reset()
		copy(c.nextBuffer(nil), a)
		c.send(&sent, len(a))
		writeFrame(&sent, kindBody, b)
		end := kindBroken
		if whole {
			end = kindEnd
		}
		writeFrame(&sent, end, nil)
		sent.WriteString("next")
		in := &bodyReader{r: bufio.NewReaderSize(&sent, headSize), memory: c.bytes, free: &back}
		got, err := io.ReadAll(in)
		if !bytes.Equal(got, append(bytes.Clone(a), b...)) || whole != (err == nil) {
			t.Fatalf("%q %v", got, err)
		}
		if rest, _ := io.ReadAll(in.r); string(rest) != "next" {
			t.Fatalf("left %q", rest)
		}
		if what, slot, err := readFrame(&back); what != kindFree || err != nil || !c.release(slot) || c.release(slot) {
			t.Fatalf("frame %q %v %v", byte(what), slot, err)
		}
	})
}

// FuzzServe is a child whose parent sends nonsense: it answers or ends.
func FuzzServe(f *testing.F) {
	f.Add([]byte("r\x00\x00\x00\x01xb\x00\x00\x00\x02hie\x00\x00\x00\x00"))
	f.Add([]byte("r\x00\x00\x00\x00x\x00\x00\x00\x00r"))
	f.Add([]byte("r\x00\x00\x00\x00m\x00\x00\x00\x05\x03\x00\x04\x00\x00m\x00\x00\x00\x05\x04\x00\x00\x00\x01e\x00\x00\x00\x00"))
	view := make([]byte, sharedSlots*chunkSize)
	f.Fuzz(func(_ *testing.T, raw []byte) {
		in := bufio.NewReaderSize(bytes.NewReader(raw), headSize)
		handler := func(_ context.Context, request []byte, body io.Reader, _ *atomic.Int64) ([]byte, error) {
			_, err := io.Copy(io.Discard, body)
			return request, err
		}
		for {
			what, request, err := readFrame(in)
			if err != nil || what != kindRequest || handleRequest(handler, request, &bodyReader{r: in, memory: view, free: io.Discard}, io.Discard) != nil {
				return
			}
		}
	})
}
