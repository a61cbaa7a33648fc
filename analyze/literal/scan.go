package literal

import (
	"bytes"
	"encoding/binary"
)

// State is what a scan of one stream carries from window to window. The zero value is
// the start of a stream. It belongs to one scan at a time; Reset makes it new.
type State struct {
	tail    []byte // the last bytes seen, at most the longest pattern less one
	joined  []byte
	offset  int64 // of the next window
	stopped bool
}

// Reset prepares for another stream and keeps the memory.
func (s *State) Reset() {
	s.tail, s.offset, s.stopped = s.tail[:0], 0, false
}

// Offset is the number of bytes scanned so far.
func (s *State) Offset() int64 { return s.offset }

// Scan looks through the next window of a stream and calls emit for every occurrence that
// ends in it, also of patterns that began in earlier windows. Windows may have any size. Hits come
// in no promised order; each comes once. If emit returns false the scan stops, and
// further windows do nothing until Reset.
func (m *Matcher) Scan(window []byte, s *State, emit func(Hit) bool) {
	if s.stopped || len(window) == 0 {
		return
	}
	keep := max(m.longest-1, 0)
	if len(s.tail) > 0 {
		edge := len(s.tail)
		s.joined = append(append(s.joined[:0], s.tail...), window[:min(keep, len(window))]...)
		f := finder{m: m, emit: emit, text: s.joined, base: s.offset - int64(edge), before: edge, past: edge}
		s.stopped = !f.scan()
	}
	if !s.stopped {
		f := finder{m: m, emit: emit, text: window, base: s.offset, before: len(window)}
		s.stopped = !f.scan()
	}
	s.offset += int64(len(window))
	if len(window) >= keep {
		s.tail = append(s.tail[:0], window[len(window)-keep:]...)
		return
	}
	s.tail = append(s.tail, window...)
	if extra := len(s.tail) - keep; extra > 0 {
		s.tail = append(s.tail[:0], s.tail[extra:]...)
	}
}

// finder looks through one piece of text for patterns that start before one place in it
// and end past another.
type finder struct {
	m            *Matcher
	emit         func(Hit) bool
	text         []byte
	base         int64 // offset of text in the stream
	before, past int
}

// scan looks at every second position. Its loop is what everything else serves: it must stay
// free of calls and bounds checks where nothing is found.
func (f *finder) scan() bool {
	if len(f.m.stored) == 0 {
		return true
	}
	text, bitmap := f.text, (*[bitmapWords]uint64)(f.m.table.bitmap)
	i := 0
	for ; i+16 <= len(text); i += 8 {
		w := text[i : i+16 : i+16]
		word := binary.LittleEndian.Uint64(w) | foldMask
		h0, h1, h2 := fourHash(uint32(word)), fourHash(uint32(word>>16)), fourHash(uint32(word>>32))
		h3 := fourHash(binary.LittleEndian.Uint32(w[6:]) | foldMask&0xffffffff)
		if bitmap[h0>>6]&(1<<(h0&63)) != 0 && !f.checkPosition(i) {
			return false
		}
		if bitmap[h1>>6]&(1<<(h1&63)) != 0 && !f.checkPosition(i+2) {
			return false
		}
		if bitmap[h2>>6]&(1<<(h2&63)) != 0 && !f.checkPosition(i+4) {
			return false
		}
		if bitmap[h3>>6]&(1<<(h3&63)) != 0 && !f.checkPosition(i+6) {
			return false
		}
	}
	for ; i < len(text); i += 2 {
		if !f.checkPosition(i) {
			return false
		}
	}
	return true
}

// checkPosition compares the patterns that have a piece like the folded bytes at a position.
func (f *finder) checkPosition(at int) bool {
	t := &f.m.table
	word := f.loadWord(at) | foldMask
	for _, k := range t.kinds {
		piece := word & uint64(k)
		if h := sieveHash(piece); t.sieve[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		slot := t.bucketOf(piece)
		for _, e := range t.entries[t.starts[slot]:t.starts[slot+1]] {
			if e.piece != piece {
				continue
			}
			if e.extra != 0 {
				i := at + int(e.extraAt)
				if i < 0 || i+4 > len(f.text) || binary.LittleEndian.Uint32(f.text[i:])|foldMask&0xffffffff != e.extra {
					continue
				}
			}
			if !f.comparePattern(at-int(e.distance), e.pattern) {
				return false
			}
		}
	}
	return true
}

// loadWord is the eight bytes at a position, zeros behind the end.
func (f *finder) loadWord(at int) uint64 {
	if at+8 <= len(f.text) {
		return binary.LittleEndian.Uint64(f.text[at:])
	}
	var word [8]byte
	copy(word[:], f.text[at:])
	return binary.LittleEndian.Uint64(word[:])
}

// comparePattern reports a pattern if it stands at a position; false means stop.
func (f *finder) comparePattern(start int, pattern uint32) bool {
	p := f.m.stored[pattern]
	end := start + int(p.size)
	if start < 0 || start >= f.before || end <= f.past || end > len(f.text) {
		return true
	}
	want, have := f.m.text[p.at:p.at+p.size], f.text[start:end]
	if p.fold {
		for i, c := range have {
			if lowerByte(c) != want[i] {
				return true
			}
		}
	} else if !bytes.Equal(want, have) {
		return true
	}
	return f.emit(Hit{Pattern: int(p.number), Offset: f.base + int64(start)})
}
