package rpmdb

import (
	"encoding/binary"
	"fmt"
	"io"
)

// An ndb file (rpm's lib/backend/ndb/rpmpkg.c): pages of slots, then blobs in units of 16 bytes, one
// blob per package. All numbers are little-endian.
const (
	ndbMagic  = "RpmP"
	slotMagic = "Slot"
	blobMagic = "BlbS"

	ndbPage  = 4096
	ndbUnit  = 16 // bytes per slot, per blob header and per block
	ndbSlots = 32 // offset of the first slot
)

func isNDB(head []byte) bool { return len(head) >= ndbSlots && string(head[:4]) == ndbMagic }

func readNDB(r io.ReaderAt, size int64, each func([]byte) error) error {
	var head [ndbSlots]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if version := binary.LittleEndian.Uint32(head[4:]); version != 0 {
		return fmt.Errorf("version %d of ndb", version)
	}
	pages := int64(binary.LittleEndian.Uint32(head[12:]))
	if pages == 0 || pages*ndbPage > size {
		return fmt.Errorf("%d pages of slots in %d bytes", pages, size)
	}
	budget := size // no byte belongs to two blobs
	var slot [ndbUnit]byte
	var value []byte
	slots := io.NewSectionReader(r, ndbSlots, pages*ndbPage-ndbSlots)
	for at := int64(0); at < slots.Size(); at += ndbUnit {
		if _, err := slots.ReadAt(slot[:], at); err != nil {
			return fmt.Errorf("read slot %d: %w", at/ndbUnit, err)
		}
		if string(slot[:4]) != slotMagic {
			return fmt.Errorf("slot %d is none", at/ndbUnit)
		}
		if binary.LittleEndian.Uint32(slot[4:]) == 0 {
			continue // free
		}
		var err error
		if value, err = readBlob(r, slot[:], value, &budget); err != nil {
			return fmt.Errorf("slot %d: %w", at/ndbUnit, err)
		}
		if err := each(value); err != nil {
			return fmt.Errorf("slot %d: %w", at/ndbUnit, err)
		}
	}
	return nil
}

// readBlob reads the blob of a slot into buffer, which it returns, enlarged if necessary. It subtracts
// the size from budget.
func readBlob(r io.ReaderAt, slot, buffer []byte, budget *int64) ([]byte, error) {
	at := int64(binary.LittleEndian.Uint32(slot[8:])) * ndbUnit
	var head [ndbUnit]byte
	if _, err := r.ReadAt(head[:], at); err != nil {
		return buffer, fmt.Errorf("read blob at %d: %w", at, err)
	}
	if string(head[:4]) != blobMagic || string(head[4:8]) != string(slot[4:8]) {
		return buffer, fmt.Errorf("no blob of its package at %d", at)
	}
	length := int64(binary.LittleEndian.Uint32(head[12:]))
	if *budget -= length; *budget < 0 || length > maxHeader {
		return buffer, fmt.Errorf("blob of %d bytes at %d", length, at)
	}
	if int64(cap(buffer)) < length {
		buffer = make([]byte, length)
	}
	buffer = buffer[:length]
	if _, err := r.ReadAt(buffer, at+ndbUnit); err != nil {
		return buffer, fmt.Errorf("read blob at %d: %w", at, err)
	}
	return buffer, nil
}
