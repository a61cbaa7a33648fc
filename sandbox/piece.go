package sandbox

import (
	"encoding/binary"
	"errors"
	"io"
)

// carrier takes pieces of a body to a child.
type carrier interface {
	// space is where the next piece goes; nil = none is wanted any more, because over was closed.
	space(over <-chan struct{}) []byte

	// send sends the first n bytes of the last space.
	send(to io.Writer, n int) error
}

// carrier is how a child gets a body.
func (c *child) carrier() carrier {
	if c.shared != nil {
		return c.shared.open()
	}
	return inline(make([]byte, headerSize+chunkSize))
}

// inline carries pieces through the pipe: one frame.
type inline []byte

func (frame inline) space(<-chan struct{}) []byte { return frame[headerSize:] }

func (frame inline) send(to io.Writer, n int) error {
	frame[0] = byte(kindBody)
	binary.BigEndian.PutUint32(frame[1:], uint32(n))
	_, err := to.Write(frame[:headerSize+n])
	return err
}

// slots is how many pieces there are in shared memory.
const slots = 4

// shared is memory of which a child reads pieces in place: they are neither copied through the kernel, nor do the two
// processes wake each other as often. A frame tells of a filled slot, another gives it back. The
// memory cannot shrink, and a kernel that can do so refuses the child to write it.
type shared struct {
	memory []byte
	free   chan int
	slot   int // the one to be filled; -1 = none
}

// open frees all slots, for a call.
func (s *shared) open() carrier {
	s.free, s.slot = make(chan int, slots), -1
	for i := range slots {
		s.free <- i
	}
	return s
}

func (s *shared) space(over <-chan struct{}) []byte {
	if s.slot < 0 {
		select {
		case s.slot = <-s.free:
		case <-over:
			return nil
		}
	}
	return s.memory[s.slot*chunkSize:][:chunkSize]
}

func (s *shared) send(to io.Writer, n int) error {
	payload := binary.BigEndian.AppendUint32([]byte{byte(s.slot)}, uint32(n))
	s.slot = -1
	return writeFrame(to, kindPiece, payload)
}

// giveBack frees a slot. A child may say what it likes: no more than all can be free.
func (s *shared) giveBack(payload []byte) bool {
	if s == nil || len(payload) != 1 || payload[0] >= slots {
		return false
	}
	select {
	case s.free <- int(payload[0]):
		return true
	default:
		return false
	}
}

var errPiece = errors.New("a piece that is not in the shared memory")

// pieceIn is what a frame of the parent tells of, in the child's view of the memory.
func pieceIn(view, payload []byte) (slot byte, data []byte, err error) {
	if len(payload) != pieceSize || payload[0] >= slots || len(view) != slots*chunkSize {
		return 0, nil, errPiece
	}
	n := binary.BigEndian.Uint32(payload[1:])
	if n > chunkSize {
		return 0, nil, errPiece
	}
	return payload[0], view[int(payload[0])*chunkSize:][:n], nil
}
