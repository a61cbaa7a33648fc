package inflate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// Errors of a stream. A stream that ends too early is io.ErrUnexpectedEOF.
var (
	ErrHeader   = errors.New("gzip: no valid header")
	ErrChecksum = errors.New("gzip: wrong checksum or size")
	ErrCorrupt  = errors.New("deflate: data is corrupt")
)

const (
	historySize   = 32 << 10 // bytes: the largest distance of a match
	windowSize    = 4 * historySize
	longestMatch  = 258                                     // bytes
	decodeLimit   = windowSize - longestMatch - copyOverrun // position in the window where decoding stops
	copyOverrun   = 16                                      // bytes that copyMatch may write past the end of a match
	inputMargin   = 16                                      // bytes of input that decodeFast needs in every iteration
	maxHeaderText = 512                                     // bytes of a name or a comment in a header
)

// Reader decompresses one stream. Call Reset or ResetRaw before the first Read. It uses about 150 kB of memory and is not
// safe for concurrent use.
type Reader struct {
	r        *bufio.Reader
	in       []byte // the bytes that r has buffered
	pos      int    // of the next byte in in
	inputErr error  // the error of r, io.EOF included

	bits  uint64 // the bit buffer, next bit lowest; bits above count are zero or those of the following input
	count uint   // valid bits in the buffer

	window          [windowSize]byte
	readAt, writeAt int // the decoded bytes that Read has not returned yet
	memberStart     int // where the current gzip member begins in the window
	checkedTo       int // end of the bytes that are in the checksum

	step       func(*Reader) error // decodes the next part of the stream
	lastBlock  bool
	storedLeft int           // bytes left of a stored block
	literals   *literalTable // of the current block: fixed, or those below
	distances  *distanceTable
	dynamic    struct { // tables of the last block with dynamic codes
		literals  literalTable
		distances distanceTable
	}

	raw       bool   // DEFLATE data without gzip header and trailer
	sum, size uint32 // checksum and length of the member's data so far
	err       error
}

// NewReader returns a Reader for the gzip stream in r. Its errors are those of Reset.
func NewReader(r *bufio.Reader) (*Reader, error) {
	z := new(Reader)
	if err := z.Reset(r); err != nil {
		return nil, err
	}
	return z, nil
}

// Reset prepares to read the gzip stream in r with all its members. It reads the first header: ErrHeader means that the
// stream is not gzip, io.EOF that it is empty.
func (z *Reader) Reset(r *bufio.Reader) error {
	z.resetState(r)
	z.err = z.readHeader()
	return z.err
}

// ResetRaw prepares to read raw DEFLATE data from r, without gzip header and trailer, as zip files contain it. Bytes that
// follow the data are not decoded, but r may have consumed some of them.
func (z *Reader) ResetRaw(r *bufio.Reader) {
	z.resetState(r)
	z.raw, z.step = true, (*Reader).readBlockHeader
}

// resetState does not clear the window and the tables: every stream writes them before it reads them.
func (z *Reader) resetState(r *bufio.Reader) {
	z.r, z.in, z.pos, z.inputErr, z.bits, z.count = r, nil, 0, nil, 0, 0
	z.readAt, z.writeAt, z.memberStart, z.checkedTo, z.lastBlock, z.storedLeft = 0, 0, 0, 0, false, 0
	z.raw, z.sum, z.size, z.err = false, 0, 0, nil
}

// Read implements io.Reader.
func (z *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for z.readAt == z.writeAt {
		if z.err != nil {
			return 0, z.err
		}
		z.slideWindow()
		for z.err == nil && z.writeAt < decodeLimit {
			z.err = z.step(z)
		}
		z.updateChecksum()
	}
	n := copy(p, z.window[z.readAt:z.writeAt])
	z.readAt += n
	return n, nil
}

// slideWindow makes space for new data once Read has returned all decoded bytes. It keeps the history that matches need.
func (z *Reader) slideWindow() {
	if z.writeAt < decodeLimit {
		return
	}
	z.updateChecksum()
	gone := z.writeAt - historySize
	copy(z.window[:historySize], z.window[gone:z.writeAt])
	z.readAt, z.writeAt, z.checkedTo, z.memberStart = historySize, historySize, historySize, max(z.memberStart-gone, 0)
}

// updateChecksum adds the newly decoded bytes to the checksum.
func (z *Reader) updateChecksum() {
	if fresh := z.window[z.checkedTo:z.writeAt]; !z.raw {
		z.sum = crc32.Update(z.sum, crc32.IEEETable, fresh)
		z.size += uint32(len(fresh))
	}
	z.checkedTo = z.writeAt
}

// fillInput makes sure that in has enough bytes for decodeFast, or all that are left. It first returns whole unused bytes
// from the bit buffer.
func (z *Reader) fillInput() {
	if len(z.in)-z.pos >= inputMargin || z.inputErr != nil {
		return
	}
	z.pos -= int(z.count / 8)
	z.count %= 8
	z.bits &= 1<<z.count - 1
	z.r.Discard(z.pos) //nolint:errcheck // these bytes are buffered
	_, err := z.r.Peek(2 * inputMargin)
	z.in, _ = z.r.Peek(z.r.Buffered())
	if z.pos = 0; err != nil {
		z.inputErr = err
	}
}

// missingInput returns the error for input that ends too early: the source's own error, if it has one.
func (z *Reader) missingInput() error {
	if z.inputErr == nil || z.inputErr == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return z.inputErr
}

// alignToByte drops the rest of the current byte and empties the bit buffer.
func (z *Reader) alignToByte() {
	z.pos -= int(z.count / 8)
	z.bits, z.count = 0, 0
}

// takeBytes returns the next n bytes of the input; n is at most inputMargin. The bit buffer must be empty.
func (z *Reader) takeBytes(n int) ([]byte, error) {
	if len(z.in)-z.pos < n {
		z.fillInput()
	}
	if len(z.in)-z.pos < n {
		return nil, z.missingInput()
	}
	z.pos += n
	return z.in[z.pos-n : z.pos], nil
}

// readBlockHeader reads the header of a block and chooses how to decode it (RFC 1951, section 3.2.3).
func (z *Reader) readBlockHeader() error {
	head, err := z.readBits(3)
	if err != nil {
		return err
	}
	z.lastBlock = head&1 != 0
	switch head >> 1 {
	case 0:
		return z.readStoredHeader()
	case 1:
		z.literals, z.distances = fixedTables()
	case 2:
		if err := z.readCodes(); err != nil {
			return err
		}
		z.literals, z.distances = &z.dynamic.literals, &z.dynamic.distances
	default:
		return ErrCorrupt
	}
	z.step = (*Reader).decodeSymbols
	return nil
}

// endBlock chooses what follows a block: another block or the trailer.
func (z *Reader) endBlock() {
	if z.step = (*Reader).readBlockHeader; z.lastBlock {
		z.step = (*Reader).checkTrailer
	}
}

func (z *Reader) readStoredHeader() error {
	z.alignToByte()
	b, err := z.takeBytes(4)
	if err != nil {
		return err
	}
	n, inverted := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if n != ^inverted {
		return ErrCorrupt
	}
	z.storedLeft, z.step = int(n), (*Reader).copyStored
	return nil
}

func (z *Reader) copyStored() error {
	if z.storedLeft == 0 {
		z.endBlock()
		return nil
	}
	if z.pos == len(z.in) {
		if z.fillInput(); z.pos == len(z.in) {
			return z.missingInput()
		}
	}
	n := copy(z.window[z.writeAt:min(z.writeAt+z.storedLeft, windowSize)], z.in[z.pos:])
	z.pos += n
	z.writeAt += n
	z.storedLeft -= n
	return nil
}

// checkTrailer compares checksum and size of a member (RFC 1952, section 2.3.1) and starts the next member, if there is one.
func (z *Reader) checkTrailer() error {
	z.alignToByte()
	if z.raw {
		return io.EOF
	}
	b, err := z.takeBytes(8)
	if err != nil {
		return err
	}
	if z.updateChecksum(); binary.LittleEndian.Uint32(b) != z.sum || binary.LittleEndian.Uint32(b[4:]) != z.size {
		return ErrChecksum
	}
	if z.fillInput(); z.pos == len(z.in) && z.inputErr == io.EOF {
		return io.EOF
	}
	return z.readHeader()
}
