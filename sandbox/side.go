package sandbox

import (
	"context"
	"io"
	"os"
	"sync"
)

// queryPipe is one end of a pair of pipes.
type queryPipe struct {
	from, to *os.File
}

// newQueryPipe makes a pair: our end, and the files of the child's.
func newQueryPipe() (*queryPipe, []*os.File, error) {
	in, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	from, out, err := os.Pipe()
	if err != nil {
		closeAll([]*os.File{in, to})
		return nil, nil, err
	}
	enlargePipe(from)
	return &queryPipe{from: from, to: to}, []*os.File{in, out}, nil
}

// childQueryPipe is the other end, in a child: the first files after the three that every process has.
func childQueryPipe() *queryPipe {
	return &queryPipe{from: os.NewFile(3, "answers"), to: os.NewFile(4, "questions")}
}

// Read implements io.Reader.
func (s *queryPipe) Read(p []byte) (int, error) { return s.from.Read(p) }

// Write implements io.Writer.
func (s *queryPipe) Write(p []byte) (int, error) { return s.to.Write(p) }

func (s *queryPipe) close() {
	if s != nil {
		closeAll([]*os.File{s.from, s.to})
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close() //nolint:errcheck // pipes have nothing to flush
	}
}

// answerQueries serves what a child asks, until it is gone: then end is to be called.
func (p *Pool) answerQueries(c *childProcess) (end func()) {
	if c.queries == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var attending sync.WaitGroup
	attending.Go(func() {
		p.AnswerQueries(ctx, c.queries, c.waitsForParent.Store)
		c.waitsForParent.Store(false)
		c.queries.close()
	})
	return func() {
		cancel()
		attending.Wait()
	}
}

// openQueryPipe is what the handler of a child asks; nil = nobody attends.
func (s startMessage) openQueryPipe() io.ReadWriter {
	if !s.Asks {
		return nil
	}
	return childQueryPipe()
}
