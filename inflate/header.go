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

// header reads the header of a member.
func (z *Reader) header() error {
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
		h.text()
	}
	if flags&flagComment != 0 {
		h.text()
	}
	if sum := uint16(h.sum); flags&flagCheck != 0 {
		if b := h.bytes(2); h.err == nil && binary.LittleEndian.Uint16(b) != sum {
			h.err = ErrHeader
		}
	}
	z.begin, z.summed, z.sum, z.size = z.to, z.to, 0, 0
	z.step = (*Reader).blockHeader
	return h.err
}

// headerReader keeps the first error and the checksum of what was read.
type headerReader struct {
	z   *Reader
	sum uint32
	err error
}

// bytes returns the next n bytes, nil after an error. They stay until the next call.
func (h *headerReader) bytes(n int) []byte {
	if h.err != nil {
		return nil
	}
	b, err := h.z.take(n)
	if err == io.ErrUnexpectedEOF && len(h.z.in) == h.z.pos && h.sum == 0 {
		err = io.EOF // there is nothing at all
	}
	h.err = err
	h.sum = crc32.Update(h.sum, crc32.IEEETable, b)
	return b
}

func (h *headerReader) skip(n int) {
	for ; n > 0 && h.err == nil; n -= min(n, ahead) {
		h.bytes(min(n, ahead))
	}
}

// text passes over a text that ends with a zero.
func (h *headerReader) text() {
	for range maxText {
		if b := h.bytes(1); h.err != nil || b[0] == 0 {
			return
		}
	}
	h.err = ErrHeader
}
