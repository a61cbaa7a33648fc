package sandbox

import (
	"encoding/binary"
	"errors"
	"io"
)

// pieceCarrier takes pieces of a body to a child.
type pieceCarrier interface {
	// nextBuffer is where the next piece goes; nil = none is wanted any more, because over was closed.
	nextBuffer(over <-chan struct{}) []byte

	// send sends the first n bytes of the last space.
	send(to io.Writer, n int) error
}

// newCarrier is how a child gets a body.
func (c *childProcess) newCarrier() pieceCarrier {
	if c.shared != nil {
		return c.shared.reset()
	}
	return pipeCarrier(make([]byte, headerSize+chunkSize))
}

// pipeCarrier carries pieces through the pipe: one frame.
type pipeCarrier []byte

func (frame pipeCarrier) nextBuffer(<-chan struct{}) []byte { return frame[headerSize:] }

func (frame pipeCarrier) send(to io.Writer, n int) error {
	frame[0] = byte(kindBody)
	binary.BigEndian.PutUint32(frame[1:], uint32(n))
	_, err := to.Write(frame[:headerSize+n])
	return err
}

// sharedSlots is how many pieces there are in shared memory.
const sharedSlots = 4

// sharedMemory is memory of which a child reads pieces in place: they are neither copied through the kernel, nor do the two
// processes wake each other as often. A frame tells of a filled slot, another gives it back. The
// memory cannot shrink, and a kernel that can do so refuses the child to write it.
type sharedMemory struct {
	bytes   []byte
	free    chan int
	current int // the one to be filled; -1 = none
}

// reset frees all slots, for a call.
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

// release frees a slot. A child may say what it likes: no more than all can be free.
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

// pieceFromMemory is what a frame of the parent tells of, in the child's view of the memory.
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
