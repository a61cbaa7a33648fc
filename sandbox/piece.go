package sandbox

import (
	"encoding/binary"
	"errors"
	"io"
)

// pieceCarrier sends pieces of a body to a child.
type pieceCarrier interface {
	// nextBuffer returns the buffer for the next piece; nil if done is closed.
	nextBuffer(done <-chan struct{}) []byte

	// send sends the first n bytes of the last buffer.
	send(to io.Writer, n int) error
}

// newCarrier returns the carrier for the body of the next call.
func (c *childProcess) newCarrier() pieceCarrier {
	if c.shared != nil {
		return c.shared.reset()
	}
	return pipeCarrier(make([]byte, headerSize+chunkSize))
}

// pipeCarrier sends pieces through the pipe. It is the buffer for one frame.
type pipeCarrier []byte

func (frame pipeCarrier) nextBuffer(<-chan struct{}) []byte { return frame[headerSize:] }

func (frame pipeCarrier) send(to io.Writer, n int) error {
	frame[0] = byte(kindBody)
	binary.BigEndian.PutUint32(frame[1:], uint32(n))
	_, err := to.Write(frame[:headerSize+n])
	return err
}

// sharedSlots is the number of pieces in shared memory.
const sharedSlots = 4

// sharedMemory is memory from which a child reads pieces in place. Compared with a pipe, the kernel
// copies nothing and the two processes wake each other less often. A frame reports a filled slot;
// the child's answer frees it. The memory cannot shrink, and the child cannot write it if the
// kernel supports that (Linux 5.1).
type sharedMemory struct {
	bytes   []byte
	free    chan int
	current int // the slot of the last nextBuffer; -1 = none
}

// reset frees all slots at the start of a call.
func (s *sharedMemory) reset() pieceCarrier {
	s.free, s.current = make(chan int, sharedSlots), -1
	for i := range sharedSlots {
		s.free <- i
	}
	return s
}

func (s *sharedMemory) nextBuffer(done <-chan struct{}) []byte {
	if s.current < 0 {
		select {
		case s.current = <-s.free:
		case <-done:
			return nil
		}
	}
	return s.bytes[s.current*chunkSize:][:chunkSize]
}

func (s *sharedMemory) send(to io.Writer, n int) error {
	payload := binary.BigEndian.AppendUint32([]byte{byte(s.current)}, uint32(n))
	s.current = -1
	return writeFrame(to, kindPiece, payload)
}

// release frees the slot that a child reports as read; false if the slot is not valid, or more
// slots are freed than there are.
func (s *sharedMemory) release(payload []byte) bool {
	if s == nil || len(payload) != 1 || payload[0] >= sharedSlots {
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

// pieceFromMemory returns the piece that a kindPiece frame describes, in the child's mapping of the
// memory.
func pieceFromMemory(view, payload []byte) (slot byte, data []byte, err error) {
	if len(payload) != pieceSize || payload[0] >= sharedSlots || len(view) != sharedSlots*chunkSize {
		return 0, nil, errPiece
	}
	n := binary.BigEndian.Uint32(payload[1:])
	if n > chunkSize {
		return 0, nil, errPiece
	}
	return payload[0], view[int(payload[0])*chunkSize:][:n], nil
}
