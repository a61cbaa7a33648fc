package sandbox

import (
	"context"
	"io"
	"os"
	"sync"
)

// side is one end of a pair of pipes.
type side struct {
	from, to *os.File
}

// newSide makes a pair: our end, and the files of the child's.
func newSide() (*side, []*os.File, error) {
	in, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	from, out, err := os.Pipe()
	if err != nil {
		closeAll([]*os.File{in, to})
		return nil, nil, err
	}
	widen(from)
	return &side{from: from, to: to}, []*os.File{in, out}, nil
}

// sideOfChild is the other end, in a child: the first files after the three that every process has.
func sideOfChild() *side {
	return &side{from: os.NewFile(3, "answers"), to: os.NewFile(4, "questions")}
}

// Read implements io.Reader.
func (s *side) Read(p []byte) (int, error) { return s.from.Read(p) }

// Write implements io.Writer.
func (s *side) Write(p []byte) (int, error) { return s.to.Write(p) }

func (s *side) close() {
	if s != nil {
		closeAll([]*os.File{s.from, s.to})
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() //nolint:errcheck // pipes have nothing to flush
	}
}

// attend serves what a child asks, until it is gone: then end is to be called.
func (p *Pool) attend(c *child) (end func()) {
	if c.side == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var attending sync.WaitGroup
	attending.Go(func() {
		p.Attend(ctx, c.side, c.waits.Store)
		c.waits.Store(false)
		c.side.close()
	})
	return func() {
		cancel()
		attending.Wait()
	}
}

// asker is what the handler of a child asks; nil = nobody attends.
func (s start) asker() io.ReadWriter {
	if !s.Asks {
		return nil
	}
	return sideOfChild()
}
