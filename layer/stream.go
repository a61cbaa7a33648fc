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
	chunkSize = 256 << 10 // bytes: the channel is used seldom, and a chunk stays in a core's cache
	chunks    = 4         // that one side may be ahead of the other
)

// chunk is a piece of the decompressed stream.
type chunk struct {
	data []byte
	read int64 // bytes of the blob that were read for the stream so far
	err  error // behind data: io.EOF for a blob that was whole
}

// chunkPool keeps the buffers of streams that ended.
var chunkPool = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// stream is the decompressed blob. Decompressing runs ahead on another core than what reads
// the stream: counting, hashing and holding it against the budgets happen on this side.
type stream struct {
	full chan chunk
	free chan []byte
	stop chan struct{} // closed when nobody reads any more
	done chan struct{} // closed when nothing is decompressed any more

	current chunk
	rest    []byte // of current.data, not read yet
	src     *source
	shared  *atomic.Int64
	budget  plimsoll.Budget
	size    int64 // decompressed bytes in chunks that arrived
	hash    hash.Hash
}

// newStream begins to decompress. The source belongs to the other side until close returns.
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

// decompress is the other side. The last chunk has an error.
func (s *stream) decompress(plain io.Reader) {
	defer close(s.done)
	for {
		var buffer []byte
		select {
		case buffer = <-s.free:
		case <-s.stop:
			return
		}
		n, err := fill(plain, buffer)
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

// fill reads until the buffer is full or r ends.
func fill(r io.Reader, buffer []byte) (n int, err error) {
	for n < len(buffer) && err == nil {
		var more int
		more, err = r.Read(buffer[n:])
		n += more
	}
	return n, err
}

// close ends the other side and waits for it: until a read of the blob that is under way returns.
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

// next takes the next chunk, counts and hashes it. Over budget, nothing of it is handed on.
func (s *stream) next() error {
	if s.current.data != nil {
		s.free <- s.current.data[:chunkSize]
	}
	s.current = <-s.full
	data := s.current.data
	s.hash.Write(data)
	s.size += int64(len(data))
	if s.shared.Add(int64(len(data))) > s.budget.ImageUnpacked {
		return over(ErrUnpacked, "image of more than %d bytes", s.budget.ImageUnpacked)
	}
	if err := s.ratio(s.size); err != nil {
		return err
	}
	s.rest = data
	return nil
}

// ratio compares unpacked bytes with what was read for them so far.
func (s *stream) ratio(unpacked int64) error {
	if beyond := unpacked - s.budget.RatioGrace; beyond > 0 && beyond/s.budget.Ratio > s.current.read {
		return over(ErrRatio, "%d bytes from %d, budget %d to 1", unpacked, s.current.read, s.budget.Ratio)
	}
	return nil
}

func (s *stream) diffID() plimsoll.Digest {
	return plimsoll.DigestFrom([sha256.Size]byte(s.hash.Sum(nil)))
}

// explain says whose fault an error of the archive is.
func (s *stream) explain(err error) error { return explain(err, s.current.read, s.src.expected) }
