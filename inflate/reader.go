package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Errors of a stream. One that ends too early is io.ErrUnexpectedEOF.
var (
	ErrHeader   = errors.New("gzip: no valid header")
	ErrChecksum = errors.New("gzip: wrong checksum or size")
	ErrCorrupt  = errors.New("deflate: data is corrupt")
)

const (
	history    = 32 << 10 // bytes that a match may lie back
	windowSize = 4 * history
	longest    = 258                          // bytes of a match
	full       = windowSize - longest - wordy // no symbol is decoded from here on
	wordy      = 16                           // bytes that copying may write too far
	ahead      = 16                           // bytes of input that the fast loop reads from without asking
	maxText    = 512                          // bytes of a name or a comment in a header
)

// Reader decompresses one stream. It is of use after a Reset, holds about 150 kB, and is not safe for concurrent use.
type Reader struct {
	r       *bufio.Reader
	in      []byte // what r holds
	pos     int    // in in
	failure error  // of r

	bits  uint64 // taken from in; those above count are those of the bytes that follow, or zero
	count uint

	window   [windowSize]byte
	from, to int // what is not handed out yet
	begin    int // of the member, as far as it is in the window
	summed   int // of the window

	step     func(*Reader) error
	last     bool // block
	stored   int  // bytes that are left of a stored block
	literals *literalTable
	distance *distanceTable
	own      struct {
		literals literalTable
		distance distanceTable
	}

	raw       bool   // no gzip: neither header nor trailer
	sum, size uint32 // of the member so far
	err       error
}

// NewReader makes a Reader of the gzip stream that r holds. Its errors are those of Reset.
func NewReader(r *bufio.Reader) (*Reader, error) {
	z := new(Reader)
	if err := z.Reset(r); err != nil {
		return nil, err
	}
	return z, nil
}

// Reset begins with the gzip stream that r holds, all members of it. It reads the first header; a stream without one is
// ErrHeader, an empty one io.EOF.
func (z *Reader) Reset(r *bufio.Reader) error {
	z.reset(r)
	z.err = z.header()
	return z.err
}

// ResetRaw begins with the DEFLATE data that r holds, as members of zip files have it. What follows the data is not read
// for it, but may be taken from r.
func (z *Reader) ResetRaw(r *bufio.Reader) {
	z.reset(r)
	z.raw, z.step = true, (*Reader).blockHeader
}

// reset leaves the window and the tables as they are: nothing reads what was not written anew.
func (z *Reader) reset(r *bufio.Reader) {
	z.r, z.in, z.pos, z.failure, z.bits, z.count = r, nil, 0, nil, 0, 0
	z.from, z.to, z.begin, z.summed, z.last, z.stored = 0, 0, 0, 0, false, 0
	z.raw, z.sum, z.size, z.err = false, 0, 0, nil
}

// Read implements io.Reader.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for z.from == z.to {
		if z.err != nil {
			return 0, z.err
		}
		z.slide()
		for z.err == nil && z.to < full {
			z.err = z.step(z)
		}
		z.check()
	}
	n := copy(p, z.window[z.from:z.to])
	z.from += n
	return n, nil
}

// slide makes room: all was handed out, and only the history is needed.
func (z *Reader) slide() {
	if z.to < full {
		return
	}
	z.check()
	gone := z.to - history
	copy(z.window[:history], z.window[gone:z.to])
	z.from, z.to, z.summed, z.begin = history, history, history, max(z.begin-gone, 0)
}

// check adds what was decoded to the checksum.
func (z *Reader) check() {
	if fresh := z.window[z.summed:z.to]; !z.raw {
		z.sum = crc32.Update(z.sum, crc32.IEEETable, fresh)
		z.size += uint32(len(fresh))
	}
	z.summed = z.to
}

// more gets input until there is enough for the fast loop, or no more. Whole bytes that were taken and not used go back first.
func (z *Reader) more() {
	if len(z.in)-z.pos >= ahead || z.failure != nil {
		return
	}
	z.pos -= int(z.count / 8)
	z.count %= 8
	z.bits &= 1<<z.count - 1
	z.r.Discard(z.pos) //nolint:errcheck // it is buffered
	_, err := z.r.Peek(2 * ahead)
	z.in, _ = z.r.Peek(z.r.Buffered())
	if z.pos = 0; err != nil {
		z.failure = err
	}
}

// end is the error of input that is missing.
func (z *Reader) end() error {
	if z.failure == nil || z.failure == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return z.failure
}

// aligned gives the rest of the current byte up, and goes on with whole bytes.
func (z *Reader) aligned() {
	z.pos -= int(z.count / 8)
	z.bits, z.count = 0, 0
}

// take returns the next n bytes, at most ahead of them, in between blocks or members.
func (z *Reader) take(n int) ([]byte, error) {
	if len(z.in)-z.pos < n {
		z.more()
	}
	if len(z.in)-z.pos < n {
		return nil, z.end()
	}
	z.pos += n
	return z.in[z.pos-n : z.pos], nil
}

// blockHeader opens a block (RFC 1951, section 3.2.3).
func (z *Reader) blockHeader() error {
	head, err := z.get(3)
	if err != nil {
		return err
	}
	z.last = head&1 != 0
	switch head >> 1 {
	case 0:
		return z.storedHeader()
	case 1:
		z.literals, z.distance = fixed()
	case 2:
		if err := z.codes(); err != nil {
			return err
		}
		z.literals, z.distance = &z.own.literals, &z.own.distance
	default:
		return ErrCorrupt
	}
	z.step = (*Reader).symbols
	return nil
}

// blockEnd says what comes behind a block.
func (z *Reader) blockEnd() {
	if z.step = (*Reader).blockHeader; z.last {
		z.step = (*Reader).trailer
	}
}

func (z *Reader) storedHeader() error {
	z.aligned()
	b, err := z.take(4)
	if err != nil {
		return err
	}
	n, inverted := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if n != ^inverted {
		return ErrCorrupt
	}
	z.stored, z.step = int(n), (*Reader).copyStored
	return nil
}

func (z *Reader) copyStored() error {
	if z.stored == 0 {
		z.blockEnd()
		return nil
	}
	if z.pos == len(z.in) {
		if z.more(); z.pos == len(z.in) {
			return z.end()
		}
	}
	n := copy(z.window[z.to:min(z.to+z.stored, windowSize)], z.in[z.pos:])
	z.pos += n
	z.to += n
	z.stored -= n
	return nil
}

// trailer proves a member (RFC 1952, section 2.3.1) and looks for another one.
func (z *Reader) trailer() error {
	z.aligned()
	if z.raw {
		return io.EOF
	}
	b, err := z.take(8)
	if err != nil {
		return err
	}
	if z.check(); binary.LittleEndian.Uint32(b) != z.sum || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return ErrChecksum
	}
	if z.more(); z.pos == len(z.in) && z.failure == io.EOF {
		return io.EOF
	}
	return z.header()
}
