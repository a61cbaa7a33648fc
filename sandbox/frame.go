package sandbox

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// frameKind is the first byte of a frame.
type frameKind byte

// The kinds of frame, from the parent and from the child.
const (
	kindStart   frameKind = 's' // a start, as JSON; the first frame
	kindRequest frameKind = 'r' // opens a call
	kindBody    frameKind = 'b' // a piece of the body
	kindEnd     frameKind = 'e' // the body is complete
	kindBroken  frameKind = 'x' // the body ends early, because the answer is no longer needed
	kindPiece   frameKind = 'm' // a piece of the body is in shared memory: the slot in one byte, the length in four

	kindHello    frameKind = 'h' // a hello, as JSON; the first frame
	kindProgress frameKind = 'p' // the progress value in eight bytes, big endian
	kindAnswer   frameKind = 'a' // ends a call successfully
	kindFree     frameKind = 'd' // the piece in a slot was read; the slot in one byte
	kindFailure  frameKind = 'f' // a failure, as JSON; ends a call
)

const (
	headerSize = 5
	pieceSize  = 5
	chunkSize  = 256 << 10 // maximum bytes of a piece of a body
	headSize   = 4 << 10   // bytes of the buffer for frame headers; larger reads bypass it, without a copy

	maxStart   = 96 << 20  // bytes of a start: a configuration of up to 48 MiB, twice in base64
	maxMessage = 64 << 20  // bytes of other frames
	maxAnswer  = 256 << 20 // bytes of an answer
)

func (k frameKind) limit() int {
	switch k {
	case kindBody:
		return chunkSize
	case kindEnd, kindBroken:
		return 0
	case kindProgress:
		return 8
	case kindPiece:
		return pieceSize
	case kindFree:
		return 1
	case kindStart:
		return maxStart
	case kindAnswer:
		return maxAnswer
	default:
		return maxMessage
	}
}

// readHeader reads the header of a frame. io.EOF means that there are no more frames.
func readHeader(r io.Reader) (frameKind, int, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, err
	}
	k, n := frameKind(head[0]), binary.BigEndian.Uint32(head[1:])
	if int64(n) > int64(k.limit()) {
		return 0, 0, fmt.Errorf("frame %q of %d bytes", byte(k), n)
	}
	return k, int(n), nil
}

// readFrame reads a whole frame. It allocates memory as bytes arrive, not by the claimed length.
func readFrame(r io.Reader) (frameKind, []byte, error) {
	k, n, err := readHeader(r)
	if err != nil || n == 0 {
		return k, nil, err
	}
	if n <= chunkSize {
		payload := make([]byte, n)
		_, err = io.ReadFull(r, payload)
		return k, payload, unexpectedEOF(err)
	}
	payload, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(payload) < n {
		err = io.ErrUnexpectedEOF
	}
	return k, payload, err
}

// readFrameJSON reads a frame of the wanted kind and decodes its payload into v.
func readFrameJSON(r io.Reader, want frameKind, v any) error {
	k, payload, err := readFrame(r)
	if err != nil {
		return err
	}
	if k != want {
		return fmt.Errorf("frame %q where %q was due", byte(k), byte(want))
	}
	return json.Unmarshal(payload, v)
}

// writeFrame writes a frame.
func writeFrame(w io.Writer, k frameKind, payload []byte) error {
	if len(payload) > k.limit() {
		return fmt.Errorf("frame %q of %d bytes", byte(k), len(payload))
	}
	head := binary.BigEndian.AppendUint32([]byte{byte(k)}, uint32(len(payload)))
	if len(payload) <= chunkSize {
		_, err := w.Write(append(head, payload...))
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// bodyReader reads the body of a call in a child.
type bodyReader struct {
	r    *bufio.Reader
	left int // of the current piece
	err  error

	memory []byte    // the shared memory; nil = there is none
	free   io.Writer // gets a frame for each slot that was read; nil = none is sent
	piece  []byte    // rest of the current piece, if it is in shared memory
	slot   byte
}

// Read implements io.Reader.
func (b *bodyReader) Read(p []byte) (int, error) {
	for b.left == 0 && len(b.piece) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		k, n, err := readHeader(b.r)
		switch {
		case err != nil:
			b.err = unexpectedEOF(err)
		case k == kindBody:
			b.left = n
		case k == kindPiece:
			b.err = b.openPiece()
		case k == kindEnd:
			b.err = io.EOF
		case k == kindBroken:
			b.err = errBroken
		default:
			b.err = fmt.Errorf("frame %q inside a body", byte(k))
		}
	}
	if len(b.piece) > 0 {
		n := copy(p, b.piece)
		if b.piece = b.piece[n:]; len(b.piece) == 0 {
			b.err = b.freePiece()
		}
		return n, b.err
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil {
		b.left, b.err = 0, unexpectedEOF(err)
	}
	return n, b.err
}

// openPiece reads the payload of a kindPiece frame and sets the current piece.
func (b *bodyReader) openPiece() error {
	var payload [pieceSize]byte
	if _, err := io.ReadFull(b.r, payload[:]); err != nil {
		return unexpectedEOF(err)
	}
	slot, data, err := pieceFromMemory(b.memory, payload[:])
	if err != nil {
		return err
	}
	if b.slot, b.piece = slot, data; len(data) == 0 {
		return b.freePiece()
	}
	return nil
}

func (b *bodyReader) freePiece() error {
	if b.free == nil {
		return nil
	}
	return writeFrame(b.free, kindFree, []byte{b.slot})
}

// drain reads the rest of the body that the handler left, so that the next frame is a request. It
// frees no slots: the answer was sent, and the parent treats all slots as free.
func (b *bodyReader) drain() error {
	b.free = nil
	if _, err := io.Copy(io.Discard, onlyReader{b}); err != nil && err != errBroken {
		return err
	}
	return nil
}

type onlyReader struct{ io.Reader }

// unexpectedEOF replaces io.EOF inside a frame by io.ErrUnexpectedEOF.
func unexpectedEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
