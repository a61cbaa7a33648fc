package sandbox

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// kind is the first byte of a frame.
type kind byte

// The kinds of frame, from the parent and from the child.
const (
	kindStart   kind = 's' // a start, as JSON; the first frame
	kindRequest kind = 'r' // opens a call
	kindBody    kind = 'b' // a piece of its body
	kindEnd     kind = 'e' // the body is whole
	kindBroken  kind = 'x' // the body ends here, because nobody waits for the answer
	kindPiece   kind = 'm' // a piece of its body is in shared memory: the slot in a byte, its length in four

	kindHello    kind = 'h' // a hello, as JSON; the first frame
	kindProgress kind = 'p' // eight bytes
	kindAnswer   kind = 'a' // ends a call well
	kindFree     kind = 'd' // the piece in a slot was read; one byte
	kindFailure  kind = 'f' // a failure, as JSON; ends a call
)

const (
	headerSize = 5
	pieceSize  = 5
	chunkSize  = 256 << 10 // bytes of a piece of body
	headSize   = 4 << 10   // of the buffer for heads: larger reads go past it, without a copy

	maxStart   = 96 << 20  // bytes of a start: a configuration of up to 48 MiB, twice in base64
	maxMessage = 64 << 20  // bytes of any other frame but an answer
	maxAnswer  = 256 << 20 // bytes of an answer
)

func (k kind) limit() int {
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

// readHeader reads the head of a frame. io.EOF means that there is none.
func readHeader(r io.Reader) (kind, int, error) {
	var head [headerSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, err
	}
	k, n := kind(head[0]), binary.BigEndian.Uint32(head[1:])
	if int64(n) > int64(k.limit()) {
		return 0, 0, fmt.Errorf("frame %q of %d bytes", byte(k), n)
	}
	return k, int(n), nil
}

// readFrame reads a whole frame. Memory grows with the bytes that arrive, not with the claim.
func readFrame(r io.Reader) (kind, []byte, error) {
	k, n, err := readHeader(r)
	if err != nil || n == 0 {
		return k, nil, err
	}
	if n <= chunkSize {
		payload := make([]byte, n)
		_, err = io.ReadFull(r, payload)
		return k, payload, cut(err)
	}
	payload, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(payload) < n {
		err = io.ErrUnexpectedEOF
	}
	return k, payload, err
}

// expect reads a frame of one kind into v.
func expect(r io.Reader, want kind, v any) error {
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
func writeFrame(w io.Writer, k kind, payload []byte) error {
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

// body is the body of the call that a child works on.
type body struct {
	r     *bufio.Reader
	left  int // of the current piece
	ended error

	view  []byte    // of the shared memory; nil = there is none
	back  io.Writer // for slots that were read; nil = nobody waits for them
	piece []byte    // what is left of the current piece, if it is in there
	slot  byte
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for b.left == 0 && len(b.piece) == 0 {
		if b.ended != nil {
			return 0, b.ended
		}
		k, n, err := readHeader(b.r)
		switch {
		case err != nil:
			b.ended = cut(err)
		case k == kindBody:
			b.left = n
		case k == kindPiece:
			b.ended = b.take()
		case k == kindEnd:
			b.ended = io.EOF
		case k == kindBroken:
			b.ended = errBroken
		default:
			b.ended = fmt.Errorf("frame %q inside a body", byte(k))
		}
	}
	if len(b.piece) > 0 {
		n := copy(p, b.piece)
		if b.piece = b.piece[n:]; len(b.piece) == 0 {
			b.ended = b.giveBack()
		}
		return n, b.ended
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	if err != nil {
		b.left, b.ended = 0, cut(err)
	}
	return n, b.ended
}

// take opens a piece in shared memory.
func (b *body) take() error {
	var payload [pieceSize]byte
	if _, err := io.ReadFull(b.r, payload[:]); err != nil {
		return cut(err)
	}
	slot, data, err := pieceIn(b.view, payload[:])
	if err != nil {
		return err
	}
	if b.slot, b.piece = slot, data; len(data) == 0 {
		return b.giveBack()
	}
	return nil
}

func (b *body) giveBack() error {
	if b.back == nil {
		return nil
	}
	return writeFrame(b.back, kindFree, []byte{b.slot})
}

// drain reads what the handler left, so that the next frame opens a call. The answer was sent: the
// parent takes all slots as free.
func (b *body) drain() error {
	b.back = nil
	if _, err := io.Copy(io.Discard, onlyReader{b}); err != nil && err != errBroken {
		return err
	}
	return nil
}

type onlyReader struct{ io.Reader }

// cut: a stream that ends inside a frame ends too early.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
