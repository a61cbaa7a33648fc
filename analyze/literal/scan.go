package literal

import (
	"bytes"
	"encoding/binary"
)

// State is the state of the scan of one stream between windows. The zero value is the start of a stream. It is not safe
// for concurrent use.
type State struct {
	tail    []byte // the last bytes of the stream: at most one less than the longest pattern has
	joined  []byte
	offset  int64 // of the next window
	stopped bool
}

// Reset starts another stream and keeps the memory.
func (s *State) Reset() {
	s.tail, s.offset, s.stopped = s.tail[:0], 0, false
}

// Offset is the number of bytes scanned so far.
func (s *State) Offset() int64 { return s.offset }

// Scan searches the next window of a stream and calls emit once for every occurrence that ends in it, including patterns
// that begin in earlier windows. Windows may have any size. The order of hits is not defined. If emit returns false the
// scan stops, and further windows are ignored until Reset.
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

// finder searches a text for patterns that start before one position and end after another.
type finder struct {
	m            *Matcher
	emit         func(Hit) bool
	text         []byte
	base         int64 // offset of text in the stream
	before, past int
}

// scan tests every second position. This loop is why the package is fast: it must stay free of calls and bounds checks
// where nothing matches.
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

// checkPosition compares the patterns that have a piece equal to the folded bytes at a position. It returns false to
// stop.
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

// loadWord returns the eight bytes at a position, with zeros after the end.
func (f *finder) loadWord(at int) uint64 {
	if at+8 <= len(f.text) {
		return binary.LittleEndian.Uint64(f.text[at:])
	}
	var word [8]byte
	copy(word[:], f.text[at:])
	return binary.LittleEndian.Uint64(word[:])
}

// comparePattern reports a pattern if it matches at a position. It returns false to stop.
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
