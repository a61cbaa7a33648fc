package layer

import (
	"crypto/sha256"
	"hash"
	"io"
	"sync"
	"sync/atomic"

	"plimsoll"
)

const (
	chunkSize = 256 << 10 // bytes: few enough to stay in a core's cache, many enough to use the channel seldom
	chunks    = 4         // that the decompressing goroutine may be ahead
)

// chunk is a piece of the decompressed stream.
type chunk struct {
	data []byte
	read int64 // bytes of the blob that were read so far
	err  error // after data: io.EOF for a complete blob
}

// chunkPool has the buffers of streams that ended.
var chunkPool = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// stream is the decompressed blob. A goroutine decompresses ahead of the reader, on another core.
// The reader's side counts, hashes, and checks the budgets.
type stream struct {
	full chan chunk
	free chan []byte
	stop chan struct{} // closed when reading ends
	done chan struct{} // closed when decompressing has ended

	current chunk
	rest    []byte // the unread part of current.data
	src     *source
	shared  *atomic.Int64
	budget  plimsoll.Budget
	size    int64 // decompressed bytes in chunks that arrived
	hash    hash.Hash
}

// newStream starts to decompress. Only the goroutine uses the source until close returns.
func newStream(src *source, plain io.Reader, o Options) *stream {
	s := &stream{
		full: make(chan chunk, chunks), free: make(chan []byte, chunks), stop: make(chan struct{}), done: make(chan struct{}),
		src: src, shared: o.Unpacked, budget: o.Budget, hash: sha256.New(),
	}
	if s.shared == nil {
		s.shared = new(atomic.Int64)
	}
	for range chunks {
		s.free <- chunkPool.Get().(*[chunkSize]byte)[:]
	}
	go s.decompress(plain)
	return s
}

// decompress is the goroutine. The last chunk has an error.
func (s *stream) decompress(plain io.Reader) {
	defer close(s.done)
	for {
		var buffer []byte
		select {
		case buffer = <-s.free:
		case <-s.stop:
			return
		}
		n, err := fillBuffer(plain, buffer)
		switch {
		case err == io.EOF:
			if err = s.src.drain(); err == nil {
				err = io.EOF
			}
		case err != nil:
			err = s.src.explain(err)
		}
		select {
		case s.full <- chunk{data: buffer[:n], read: s.src.size, err: err}:
		case <-s.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// fillBuffer reads until the buffer is full or r ends.
func fillBuffer(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}

// close stops the goroutine and waits until its current read of the blob returns.
func (s *stream) close() {
	close(s.stop)
	<-s.done
	s.recycle()
	for len(s.full) > 0 {
		s.current = <-s.full
		s.recycle()
	}
	for len(s.free) > 0 {
		s.current.data = <-s.free
		s.recycle()
	}
}

func (s *stream) recycle() {
	if cap(s.current.data) == chunkSize {
		chunkPool.Put((*[chunkSize]byte)(s.current.data[:chunkSize]))
	}
	s.current.data, s.rest = nil, nil
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.current.err != nil {
			return 0, s.current.err
		}
		if err := s.next(); err != nil {
			s.current.err = err
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// next receives, counts and hashes the next chunk. If a budget is exceeded, nothing of the chunk is read.
func (s *stream) next() error {
	if s.current.data != nil {
		s.free <- s.current.data[:chunkSize]
	}
	s.current = <-s.full
	data := s.current.data
	s.hash.Write(data)
	s.size += int64(len(data))
	if s.shared.Add(int64(len(data))) > s.budget.ImageUnpacked {
		return budgetErrorf(ErrUnpacked, "image of more than %d bytes", s.budget.ImageUnpacked)
	}
	if err := s.checkRatio(s.size); err != nil {
		return err
	}
	s.rest = data
	return nil
}

// checkRatio compares unpacked bytes with the bytes that were read so far.
func (s *stream) checkRatio(unpacked int64) error {
	if beyond := unpacked - s.budget.RatioGrace; beyond > 0 && beyond/s.budget.Ratio > s.current.read {
		return budgetErrorf(ErrRatio, "%d bytes from %d, budget %d to 1", unpacked, s.current.read, s.budget.Ratio)
	}
	return nil
}

func (s *stream) diffID() plimsoll.Digest {
	return plimsoll.DigestFrom([sha256.Size]byte(s.hash.Sum(nil)))
}

// explain adds the failure code of an error of the archive.
func (s *stream) explain(err error) error { return explainError(err, s.current.read, s.src.expected) }
