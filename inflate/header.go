package inflate

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// Flags of a header (RFC 1952, section 2.3.1).
const (
	flagCheck = 1 << (iota + 1)
	flagExtra
	flagName
	flagComment
	flagReserved = 0xe0
)

// readHeader reads the header of a gzip member and prepares for its first block.
func (z *Reader) readHeader() error {
	h := headerReader{z: z}
	fixed := h.bytes(10)
	if h.err != nil {
		return h.err
	}
	if fixed[0] != 0x1f || fixed[1] != 0x8b || fixed[2] != 8 || fixed[3]&flagReserved != 0 {
		return ErrHeader
	}
	flags := fixed[3]
	if flags&flagExtra != 0 {
		if n := h.bytes(2); h.err == nil {
			h.skip(int(binary.LittleEndian.Uint16(n)))
		}
	}
	if flags&flagName != 0 {
		h.skipText()
	}
	if flags&flagComment != 0 {
		h.skipText()
	}
	if sum := uint16(h.sum); flags&flagCheck != 0 {
		if b := h.bytes(2); h.err == nil && binary.LittleEndian.Uint16(b) != sum {
			h.err = ErrHeader
		}
	}
	z.memberStart, z.checkedTo, z.sum, z.size = z.writeAt, z.writeAt, 0, 0
	z.step = (*Reader).readBlockHeader
	return h.err
}

// headerReader reads the fields of a header. It keeps the first error and the checksum of the bytes read so far.
type headerReader struct {
	z   *Reader
	sum uint32
	err error
}

// bytes returns the next n bytes, nil after an error. The slice is valid until the next call.
func (h *headerReader) bytes(n int) []byte {
	if h.err != nil {
		return nil
	}
	b, err := h.z.takeBytes(n)
	if err == io.ErrUnexpectedEOF && len(h.z.in) == h.z.pos && h.sum == 0 {
		err = io.EOF // the stream is empty, not cut
	}
	h.err = err
	h.sum = crc32.Update(h.sum, crc32.IEEETable, b)
	return b
}

func (h *headerReader) skip(n int) {
	for ; n > 0 && h.err == nil; n -= min(n, inputMargin) {
		h.bytes(min(n, inputMargin))
	}
}

// skipText skips a text that ends with a zero byte.
func (h *headerReader) skipText() {
	for range maxHeaderText {
		if b := h.bytes(1); h.err != nil || b[0] == 0 {
			return
		}
	}
	h.err = ErrHeader
}
