package sandbox

import (
	"context"
	"io"
	"os"
	"sync"
)

// queryPipe is one end of the two pipes for queries of a child to its parent.
type queryPipe struct {
	from, to *os.File
}

// newQueryPipe makes the pipes. It returns the parent's end, and the files of the child's end.
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

// childQueryPipe returns the child's end: the first files after standard input, output and error.
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

// answerQueries starts Options.AnswerQueries for a child. The caller calls end when the child is
// gone.
func (p *Pool) answerQueries(c *childProcess) (end func()) {
	if c.queries == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var answering sync.WaitGroup
	answering.Go(func() {
		p.AnswerQueries(ctx, c.queries, c.waitsForParent.Store)
		c.waitsForParent.Store(false)
		c.queries.close()
	})
	return func() {
		cancel()
		answering.Wait()
	}
}

// openQueryPipe returns the child's end for its handler; nil without Options.AnswerQueries.
func (s startMessage) openQueryPipe() io.ReadWriter {
	if !s.Asks {
		return nil
	}
	return childQueryPipe()
}
