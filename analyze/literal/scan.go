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
		s.stopped = !f.run()
	}
	if !s.stopped {
		f := finder{m: m, emit: emit, text: window, base: s.offset, before: len(window)}
		s.stopped = !f.run()
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

// run looks at every second position. Its loops are what everything else serves: they must stay
// free of calls and bounds checks where nothing is found.
func (f *finder) run() bool {
	if len(f.m.stored) == 0 {
		return true
	}
	loop := f.runBoth
	if len(f.m.short.entries) == 0 {
		loop = f.runLong
	}
	i, ok := loop()
	for ; ok && i < len(f.text); i += 2 {
		var word [8]byte
		copy(word[:], f.text[i:])
		w := binary.LittleEndian.Uint64(word[:]) | foldMask
		ok = f.check(&f.m.long, i, w) && f.check(&f.m.short, i, w)
	}
	return ok
}

// runLong is for sets without short patterns. It returns where it left off.
func (f *finder) runLong() (int, bool) {
	text, bitmap := f.text, (*[longWords]uint64)(f.m.long.bitmap)
	i := 0
	for ; i+16 <= len(text); i += 8 {
		w := text[i : i+16 : i+16]
		a := binary.LittleEndian.Uint64(w) | foldMask
		b := binary.LittleEndian.Uint64(w[2:]) | foldMask
		c := binary.LittleEndian.Uint64(w[4:]) | foldMask
		d := binary.LittleEndian.Uint64(w[6:]) | foldMask
		h0, h1 := longHash(a), longHash(b)
		h2, h3 := longHash(c), longHash(d)
		if bitmap[h0>>6]&(1<<(h0&63)) != 0 && !f.check(&f.m.long, i, a) {
			return i, false
		}
		if bitmap[h1>>6]&(1<<(h1&63)) != 0 && !f.check(&f.m.long, i+2, b) {
			return i, false
		}
		if bitmap[h2>>6]&(1<<(h2&63)) != 0 && !f.check(&f.m.long, i+4, c) {
			return i, false
		}
		if bitmap[h3>>6]&(1<<(h3&63)) != 0 && !f.check(&f.m.long, i+6, d) {
			return i, false
		}
	}
	return i, true
}

// runBoth asks both tables. It returns where it left off.
func (f *finder) runBoth() (int, bool) {
	text := f.text
	long, short := (*[longWords]uint64)(f.m.long.bitmap), (*[shortWords]uint64)(f.m.short.bitmap)
	i := 0
	for ; i+16 <= len(text); i += 4 {
		w := text[i : i+16 : i+16]
		a := binary.LittleEndian.Uint64(w) | foldMask
		b := binary.LittleEndian.Uint64(w[2:]) | foldMask
		h0, h1 := longHash(a), longHash(b)
		s0, s1 := shortHash(uint32(a)), shortHash(uint32(b))
		if long[h0>>6]&(1<<(h0&63)) != 0 && !f.check(&f.m.long, i, a) {
			return i, false
		}
		if long[h1>>6]&(1<<(h1&63)) != 0 && !f.check(&f.m.long, i+2, b) {
			return i, false
		}
		if short[s0>>6]&(1<<(s0&63)) != 0 && !f.check(&f.m.short, i, a) {
			return i, false
		}
		if short[s1>>6]&(1<<(s1&63)) != 0 && !f.check(&f.m.short, i+2, b) {
			return i, false
		}
	}
	return i, true
}

// check compares the patterns that have a piece like the folded bytes at a position.
func (f *finder) check(t *table, at int, word uint64) bool {
	for _, k := range t.kinds {
		piece := word & uint64(k)
		if h := sieveHash(piece); t.sieve[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		slot := t.slot(piece)
		for _, e := range t.entries[t.starts[slot]:t.starts[slot+1]] {
			if e.piece != piece {
				continue
			}
			if e.extra != 0 {
				i := at + int(e.at)
				if i < 0 || i+4 > len(f.text) || binary.LittleEndian.Uint32(f.text[i:])|foldMask&0xffffffff != e.extra {
					continue
				}
			}
			if !f.compare(at-int(e.back), e.pattern) {
				return false
			}
		}
	}
	return true
}

// compare reports a pattern if it stands at a position; false means stop.
func (f *finder) compare(start int, pattern uint32) bool {
	p := f.m.stored[pattern]
	end := start + int(p.size)
	if start < 0 || start >= f.before || end <= f.past || end > len(f.text) {
		return true
	}
	want, have := f.m.text[p.at:p.at+p.size], f.text[start:end]
	if p.fold {
		for i, c := range have {
			if lower(c) != want[i] {
				return true
			}
		}
	} else if !bytes.Equal(want, have) {
		return true
	}
	return f.emit(Hit{Pattern: int(p.number), Offset: f.base + int64(start)})
}
