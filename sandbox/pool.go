package sandbox

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"plimsoll"
)

// Options configure the children of a pool. Command is required; the defaults of other fields are
// given after a semicolon.
type Options struct {
	// Command is the program and its arguments. The program "" means the running binary.
	Command []string

	// Env is added to the environment of a child, which otherwise has only variables for the Go
	// runtime and TMPDIR.
	Env []string

	Config   []byte // passed to Setup in each child
	Identity []byte // that Setup must return; another identity means a different program

	// AnswerQueries, if set, answers queries of a child's handler on two more pipes; Setup gets the
	// child's end. It is called once per child, in its own goroutine, and must return when reading
	// fails or ctx ends. It calls waits(true) and waits(false) around work during which the child
	// waits, so that the wait does not count as a stall. ctx ends with the child.
	AnswerQueries func(ctx context.Context, child io.ReadWriter, waits func(bool))

	Size   int // children at a time; 1
	Limits Limits

	Stall  time.Duration // time without progress after which a child is killed; 60 s
	Idle   time.Duration // time after which an idle child is stopped; 1 min
	Calls  int           // number of calls after which a child is replaced; 1000
	Temp   string        // parent of the private directories of children; the system's
	Logger *slog.Logger  // nil = discard
}

// Limits bound one child. Zero is no limit.
type Limits struct {
	Memory int64         `json:"memory"` // bytes of data; a child that allocates more dies (Linux: RLIMIT_DATA)
	Heap   int64         `json:"heap"`   // soft limit of the garbage collector, in bytes
	File   int64         `json:"file"`   // bytes of one temporary file; writing beyond it is an error
	CPU    time.Duration `json:"cpu"`    // CPU time of one call; a child that uses more dies
}

// DefaultLimits returns limits that are sufficient for any layer within the budget.
func DefaultLimits(b plimsoll.Budget) Limits {
	return Limits{Memory: 1 << 30, Heap: 64 << 20, File: b.WantedFile + 1<<20, CPU: 4 * time.Hour}
}

// Pool keeps children and sends calls to them. It is safe for concurrent use.
type Pool struct {
	Options
	slots   chan struct{} // one element per running call
	closing chan struct{} // closed by Close

	mu       sync.Mutex
	idle     []*childProcess // the most recently used is last
	children map[*childProcess]bool
	closed   bool
	ended    sync.WaitGroup // waits for the end of all children that were started
	missing  sync.Once

	newMemory func() (*sharedMemory, *os.File) // newSharedMemory; a test replaces it
}

// New returns a pool, which starts children when they are needed. The caller closes it.
func New(o Options) *Pool {
	o.Size = max(o.Size, 1)
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Idle <= 0 {
		o.Idle = time.Minute
	}
	if o.Calls <= 0 {
		o.Calls = 1000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	closeFilesOnExec()
	return &Pool{Options: o, slots: make(chan struct{}, o.Size), closing: make(chan struct{}), children: map[*childProcess]bool{}, newMemory: newSharedMemory}
}

// Warm starts a child if there is none. Its error shows early that children cannot be started.
func (p *Pool) Warm(ctx context.Context) error {
	return p.withChild(ctx, func(*childProcess) error { return nil })
}

// Run sends a request and its body to a child and returns the answer. Body is read to its end
// unless the call fails, and not after Run has returned.
//
// progress, if not nil, is called from time to time with the progress value of the child's handler;
// its error ends the call and is returned. An error of body is returned as it is. The end of ctx
// kills the child, and so does a stall: for Options.Stall, bytes are available but the child takes
// none, and its progress value does not change. If the child dies, the error wraps plimsoll.ErrDied,
// with FailureTimeout for a stall. Any other error is that of the child's Handler.
func (p *Pool) Run(ctx context.Context, request []byte, body io.Reader, progress func(int64) error) ([]byte, error) {
	var answer []byte
	err := p.withChild(ctx, func(c *childProcess) (err error) {
		answer, err = c.call(ctx, &childCall{request: request, body: body, progress: progress, stall: p.Stall})
		return err
	})
	return answer, err
}

// Close kills all children and returns when they have ended. Later calls fail.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	for _, c := range p.idle {
		c.idleTimer.Stop()
		c.discard()
	}
	p.idle = nil
	for c := range p.children {
		c.kill(errClosed)
	}
	p.mu.Unlock()
	p.ended.Wait()
	return nil
}

// withChild calls f with a child, which it takes from the pool and returns afterwards.
func (p *Pool) withChild(ctx context.Context, f func(*childProcess) error) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closing:
		return closedError()
	}
	defer func() { <-p.slots }()
	c, err := p.takeChild(ctx)
	if err != nil {
		return err
	}
	err = f(c)
	p.returnChild(c)
	return err
}

// errClosed is the reason for killing a child in a call when the pool closes.
var errClosed = errors.New("the pool closed")

func closedError() error {
	return plimsoll.Errorf(plimsoll.Unavailable, "analyse: %w", errClosed)
}

// takeChild returns an idle child that is alive, or a new one.
func (p *Pool) takeChild(ctx context.Context) (*childProcess, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, closedError()
		}
		n := len(p.idle)
		if n == 0 {
			p.ended.Add(1)
			p.mu.Unlock()
			return p.startChild(ctx)
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		c.idleTimer.Stop()
		if c.isAlive() {
			return c, nil
		}
	}
}

// returnChild keeps a child for the next call, unless it is dead or has served enough calls.
func (p *Pool) returnChild(c *childProcess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || c.served >= p.Calls || !c.isAlive() {
		c.discard()
		return
	}
	p.idle = append(p.idle, c)
	c.idleTimer = time.AfterFunc(p.Idle, func() { p.retire(c) })
}

// retire stops a child that has been idle for Options.Idle.
func (p *Pool) retire(c *childProcess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, other := range p.idle {
		if other == c {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			c.discard()
			return
		}
	}
}
