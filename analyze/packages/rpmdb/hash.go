package rpmdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// A Berkeley DB hash file (db_page.h of Berkeley DB 4 and 5): pages of one size, of which the first is
// metadata. The header of a package is the value of a pair on a hash page or, if it is large, on a chain
// of overflow pages.
const (
	hashMagic = 0x061561

	metaMagic    = 12 // offsets in the metadata page
	metaPageSize = 20
	metaLastPage = 32

	pageNext   = 16 // offsets in the 26 bytes before every page's content
	pageCount  = 20
	pageLength = 22
	pageType   = 25
	pageHeader = 26

	pageHashUnsorted = 2 // page types
	pageOverflow     = 7
	pageHashSorted   = 13

	itemInline   = 1 // item types
	itemOverflow = 3
)

// hashOrder returns the byte order of the file, which is that of the machine that wrote it, nil if it
// is not a hash file.
func hashOrder(head []byte) binary.ByteOrder {
	if len(head) < pageHeader+metaLastPage {
		return nil
	}
	for _, order := range [...]binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(head[metaMagic:]) == hashMagic {
			return order
		}
	}
	return nil
}

type hashFile struct {
	io.ReaderAt
	order    binary.ByteOrder
	pageSize int64
	pages    uint32 // in the file
	seen     []bool // overflow pages that belong to an earlier value, by number
	chain    []byte // the current overflow page
	value    []byte
}

func readHash(ctx context.Context, r io.ReaderAt, size int64, order binary.ByteOrder, each func([]byte) error) error {
	var meta [metaLastPage + 4]byte
	if _, err := r.ReadAt(meta[:], 0); err != nil {
		return fmt.Errorf("read the metadata page: %w", err)
	}
	pageSize := int64(order.Uint32(meta[metaPageSize:]))
	if pageSize < 512 || pageSize > 64<<10 || pageSize&(pageSize-1) != 0 {
		return fmt.Errorf("pages of %d bytes", pageSize)
	}
	h := &hashFile{ReaderAt: r, order: order, pageSize: pageSize, pages: uint32(size / pageSize), chain: make([]byte, pageSize)}
	if last := order.Uint32(meta[metaLastPage:]); last >= h.pages {
		return fmt.Errorf("page %d is the last one, the file has %d", last, h.pages)
	}
	h.seen = make([]bool, h.pages)
	page := make([]byte, pageSize)
	for number := range order.Uint32(meta[metaLastPage:]) + 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := r.ReadAt(page, int64(number)*pageSize); err != nil {
			return fmt.Errorf("read page %d: %w", number, err)
		}
		if kind := page[pageType]; kind != pageHashUnsorted && kind != pageHashSorted {
			continue
		}
		if err := h.readPage(page, each); err != nil {
			return fmt.Errorf("page %d: %w", number, err)
		}
	}
	return nil
}

// readPage reads the values of a hash page. Its items are key, value, key, value, from the end of the
// page backwards.
func (h *hashFile) readPage(page []byte, each func([]byte) error) error {
	count := int(h.order.Uint16(page[pageCount:]))
	if count%2 != 0 || pageHeader+2*count > len(page) {
		return fmt.Errorf("%d items", count)
	}
	offset := func(i int) int { return int(h.order.Uint16(page[pageHeader+2*i:])) }
	for i := 1; i < count; i += 2 {
		at, end := offset(i), offset(i-1)
		if at < pageHeader+2*count || at >= end || end > len(page) {
			return fmt.Errorf("item %d at %d", i, at)
		}
		item := page[at:end]
		switch {
		case item[0] == itemInline && len(item) > 9: // shorter ones are counters
			if err := each(item[1:]); err != nil {
				return err
			}
		case item[0] == itemOverflow && len(item) >= 12:
			if err := h.readOverflow(h.order.Uint32(item[4:]), h.order.Uint32(item[8:])); err != nil {
				return err
			}
			if err := each(h.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// readOverflow reads a value of length bytes from a chain of overflow pages into h.value. A page may
// occur once in one chain, so every chain ends.
func (h *hashFile) readOverflow(first, length uint32) error {
	if length > maxHeader {
		return fmt.Errorf("value of %d bytes", length)
	}
	h.value = h.value[:0]
	for number := first; number != 0; number = h.order.Uint32(h.chain[pageNext:]) {
		if number >= h.pages {
			return fmt.Errorf("page %d is not in the file", number)
		}
		if h.seen[number] {
			return fmt.Errorf("page %d belongs to two values, or its chain leads in circles", number)
		}
		h.seen[number] = true
		if _, err := h.ReadAt(h.chain, int64(number)*h.pageSize); err != nil {
			return fmt.Errorf("read page %d: %w", number, err)
		}
		used := int(h.order.Uint16(h.chain[pageLength:]))
		if h.chain[pageType] != pageOverflow || pageHeader+used > len(h.chain) {
			return fmt.Errorf("page %d is not a part of a value", number)
		}
		h.value = append(h.value, h.chain[pageHeader:pageHeader+used]...)
	}
	if len(h.value) != int(length) {
		return fmt.Errorf("value of %d bytes has %d", length, len(h.value))
	}
	return nil
}
