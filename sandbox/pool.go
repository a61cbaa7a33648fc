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

// Options say what children are and when they are replaced. Zero fields take the
// default that is named; Command is required.
type Options struct {
	// Command is the program and its arguments. The program "" is this very binary.
	Command []string

	// Env is added to the environment of a child, which is otherwise empty but for what
	// the Go runtime needs.
	Env []string

	Config   []byte // handed to the Setup of each child
	Identity []byte // what Setup must answer; anything else is a different program

	// AnswerQueries, if set, serves a further pair of pipes of each child, on which a handler asks this process for
	// what it cannot do itself; the child's other end is what Setup gets. It is done when reading ends, or when
	// the child breaks the rules between the two. Between waits(true) and waits(false) the child waits through
	// no fault of its own. The context ends with the child.
	AnswerQueries func(ctx context.Context, child io.ReadWriter, waits func(bool))

	Size   int // children at a time; 1
	Limits Limits

	Stall  time.Duration // without a byte taken or a step made, before a child is killed; 60 s
	Idle   time.Duration // before an idle child is stopped; 1 min
	Calls  int           // that one child serves; 1000
	Temp   string        // where the private directories of children are made; the system's
	Logger *slog.Logger  // nil = discard
}

// Limits bound one child. Zero is no limit.
type Limits struct {
	Memory int64         `json:"memory"` // bytes of data; a child that wants more dies (Linux: RLIMIT_DATA)
	Heap   int64         `json:"heap"`   // bytes that the garbage collector tries to stay below
	File   int64         `json:"file"`   // bytes of one temporary file; writing beyond it is an error
	CPU    time.Duration `json:"cpu"`    // of one call; a child that takes more dies
}

// DefaultLimits leave room for any layer within the default budget.
func DefaultLimits(b plimsoll.Budget) Limits {
	return Limits{Memory: 1 << 30, Heap: 64 << 20, File: b.WantedFile + 1<<20, CPU: 4 * time.Hour}
}

// Pool keeps children and hands calls to them. It is safe for concurrent use.
type Pool struct {
	Options
	slots   chan struct{} // one a call
	closing chan struct{} // closed by Close

	mu       sync.Mutex
	idle     []*childProcess // the last is the warmest
	children map[*childProcess]bool
	closed   bool
	ended    sync.WaitGroup // of children that were or are being started
	missing  sync.Once

	newMemory func() (*sharedMemory, *os.File) // makes memory for pieces; both nil = there is none
}

// New makes a pool without children. Close it.
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

// Warm starts a child if there is none, so that a binary or a system in which none can be
// started is known before there is work.
func (p *Pool) Warm(ctx context.Context) error {
	return p.withChild(ctx, func(*childProcess) error { return nil })
}

// Run has a child work on a request: it sends it with the body, which is read to its end
// unless the call fails, and returns the answer. Run is done with body when it returns.
//
// progress, if not nil, is told now and then how far the child says it is; an error of it
// ends the call and is returned. An error of body is returned as it is. The end of ctx kills
// the child, as does a stall: both the child taking no byte, though there are some, and it
// making no step. A child that is gone is an error that wraps plimsoll.ErrDied, with
// FailureTimeout for a stall; any other error is what the child's Handler said.
func (p *Pool) Run(ctx context.Context, request []byte, body io.Reader, progress func(int64) error) ([]byte, error) {
	var answer []byte
	err := p.withChild(ctx, func(c *childProcess) (err error) {
		answer, err = c.call(ctx, &childCall{request: request, body: body, progress: progress, stall: p.Stall})
		return err
	})
	return answer, err
}

// Close kills every child and returns when all have ended. Calls fail from then on.
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

// withChild lends a child.
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

// errClosed is why a child is killed that is at work when the pool closes.
var errClosed = errors.New("the pool closed")

func closedError() error {
	return plimsoll.Errorf(plimsoll.Unavailable, "analyse: %w", errClosed)
}

// takeChild returns an idle child that lives, or a new one.
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

// returnChild keeps a child for the next call, unless it is spent.
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

// retire stops a child that had nothing to do for a while.
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
