package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll"
)

// startWithin bounds the time from the start of a child to its hello.
const startWithin = 30 * time.Second

// child is a process of the pool, seen from the parent.
type child struct {
	cmd    *exec.Cmd
	dir    string   // its temporary directory
	to     *os.File // its standard input
	from   *os.File // its standard output
	frames *bufio.Reader
	shared *shared // nil = pieces of bodies go through to
	pieces int     // what the child knows its file by
	stderr *head
	side   *side       // for what it asks; nil = nobody attends to that
	waits  atomic.Bool // for an answer to that, which is not its fault
	served int         // calls so far
	rest   *time.Timer // while idle

	exited chan struct{} // closed when the process is gone and its directory with it

	mu   sync.Mutex
	gone bool  // the process id may be another's by now
	why  error // of the first kill
}

// start is a child's first message.
type start struct {
	Limits Limits `json:"limits"`
	Temp   string `json:"temp"`
	Config []byte `json:"config"`
	Asks   bool   `json:"asks"`   // there is a further pair of pipes
	Pieces int    `json:"pieces"` // descriptor of the shared memory; 0 = there is none
}

// hello is a child's first answer.
type hello struct {
	Identity []byte   `json:"identity"`
	Missing  []string `json:"missing"` // confinement that this system does not have
	Error    string   `json:"error"`
}

// start makes a child and waits for its hello. p.ended counts it already.
func (p *Pool) start(ctx context.Context) (*child, error) {
	c, err := p.spawn()
	if err != nil {
		p.ended.Done()
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "start a process to analyse in: %w", err).
			WithHint("PLIMSOLL_IN_PROCESS=1 analyses without one, for debugging")
	}
	if !p.adopt(c) {
		c.dismiss()
		return nil, closedError()
	}
	if err := p.greet(ctx, c); err != nil {
		c.dismiss()
		return nil, err
	}
	return c, nil
}

// adopt makes a child known to Close, unless that was called already.
func (p *Pool) adopt(c *child) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.children[c] = true
	return true
}

// forget is told when a child has ended.
func (p *Pool) forget(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.children, c)
	p.ended.Done()
}

// spawn starts the process.
func (p *Pool) spawn() (*child, error) {
	dir, err := os.MkdirTemp(p.Temp, "plimsoll-child-")
	if err != nil {
		return nil, err
	}
	c := &child{dir: dir, exited: make(chan struct{}), stderr: &head{}}
	var in, out *os.File
	if in, c.to, err = os.Pipe(); err == nil {
		c.from, out, err = os.Pipe()
	}
	if err == nil {
		widen(c.to)
		c.frames = bufio.NewReaderSize(c.from, chunkSize)
		c.cmd, err = p.command(dir)
	}
	if err == nil && p.Attend != nil {
		c.side, c.cmd.ExtraFiles, err = newSide()
	}
	if err == nil {
		c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = in, out, c.stderr
		p.shareWith(c)
		started := make(chan error, 1)
		go p.supervise(c, started)
		err = <-started
	}
	in.Close()  //nolint:errcheck // the child has its own, or there is none
	out.Close() //nolint:errcheck // as above
	if c.cmd != nil {
		closeAll(c.cmd.ExtraFiles)
	}
	if err != nil {
		c.side.close()
		c.to.Close()   //nolint:errcheck // nothing was written
		c.from.Close() //nolint:errcheck // nothing was read
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// shareWith gives a child that is to be started memory for pieces, if this system can.
func (p *Pool) shareWith(c *child) {
	var file *os.File
	if c.shared, file = p.share(); c.shared != nil {
		c.pieces = 3 + len(c.cmd.ExtraFiles) // behind the three that every process has
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, file)
	}
}

// command is a child that inherits nothing: no environment, no directory, no file but
// its pipes.
func (p *Pool) command(dir string) (*exec.Cmd, error) {
	program := p.Command[0]
	if program == "" {
		var err error
		if program, err = self(); err != nil {
			return nil, err
		}
	}
	return &exec.Cmd{
		Path: program, Args: append([]string{"plimsoll"}, p.Command[1:]...), Dir: "/",
		Env:         append([]string{"TMPDIR=" + dir, "GOMAXPROCS=2", "GODEBUG=containermaxprocs=0,updatemaxprocs=0", "GOTRACEBACK=single"}, p.Env...),
		SysProcAttr: apart(), WaitDelay: time.Second,
	}, nil
}

// supervise starts the process, waits for its end and removes its directory. The signal
// that ends a child with its parent is bound to the thread that started it, so the thread
// is kept as long as the child.
func (p *Pool) supervise(c *child, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return // spawn tells
	}
	defer p.forget(c)
	defer p.attend(c)()
	defer close(c.exited)
	c.reap()
	if err := os.RemoveAll(c.dir); err != nil {
		c.stderr.Write([]byte(err.Error())) //nolint:errcheck // memory
	}
}

// greet sends the start and checks the hello.
func (p *Pool) greet(ctx context.Context, c *child) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })
	defer stop()
	opening, err := json.Marshal(start{Limits: p.Limits, Temp: c.dir, Config: p.Config, Asks: p.Attend != nil, Pieces: c.pieces})
	if err != nil {
		return err
	}
	var h hello
	err = writeFrame(c.to, kindStart, opening)
	if err == nil {
		err = expect(c.frames, kindHello, &h)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && h.Error != "" {
		err = errors.New(clean(h.Error, maxText))
	}
	if err != nil {
		c.kill(errProtocol)
		<-c.exited
		return plimsoll.Errorf(plimsoll.Unavailable, "start a process to analyse in: %w (%s)", err, c.reason())
	}
	if !bytes.Equal(h.Identity, p.Identity) {
		return plimsoll.Errorf(plimsoll.Conflict, "the process to analyse in is a different program").
			WithHint("was the binary replaced? restart this process")
	}
	p.missing.Do(func() {
		if len(h.Missing) > 0 {
			p.Logger.Debug("this system lacks some confinement for analysing processes", "missing", clean(strings.Join(h.Missing, "; "), maxText))
		}
	})
	return nil
}

func (c *child) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.gone && c.why == nil
}

// kill ends the process and all of its group; the first reason is kept.
func (c *child) kill(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return
	}
	if c.why == nil {
		c.why = why
	}
	killAll(c.cmd.Process)
}

// dismiss ends a child that nobody waits for.
func (c *child) dismiss() {
	c.kill(errors.New("it was dismissed"))
	c.to.Close()   //nolint:errcheck // the process is gone
	c.from.Close() //nolint:errcheck // as above
}

func (c *child) killed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// reason tells how a process that is gone came to its end.
func (c *child) reason() string {
	how := "it is gone"
	if s := c.cmd.ProcessState; s != nil {
		how = s.String()
	}
	if line := c.stderr.telling(); line != "" {
		how = fmt.Sprintf("%s: %s", how, line)
	}
	return how
}

// head keeps the beginning of what a child writes to its standard error: that is where
// the Go runtime says what it died of.
type head struct {
	mu   sync.Mutex
	text []byte
}

const maxHead = 16 << 10

// Write implements io.Writer.
func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p[:min(len(p), maxHead-len(h.text))]...)
	return len(p), nil
}

func (h *head) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = nil
}

// telling is the line that says most about a crash: that of the runtime, else the last.
func (h *head) telling() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := ""
	for line := range strings.Lines(string(h.text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIG") {
			return clean(line, 200)
		}
		last = line
	}
	return clean(last, 200)
}
