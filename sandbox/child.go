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

// startWithin bounds the time from the start of a child to its hello message.
const startWithin = 30 * time.Second

// childProcess is a process of the pool, seen from the parent.
type childProcess struct {
	cmd            *exec.Cmd
	dir            string   // its temporary directory
	to             *os.File // its standard input
	from           *os.File // its standard output
	frames         *bufio.Reader
	shared         *sharedMemory // nil = bodies are sent through the pipe
	memoryFD       int           // file descriptor of shared in the child
	stderr         *stderrHead
	queries        *queryPipe  // nil without Options.AnswerQueries
	waitsForParent atomic.Bool // it waits for the answer to a query: not a stall
	served         int         // calls so far
	idleTimer      *time.Timer // while idle

	exited chan struct{} // closed when the process is gone and its directory with it

	mu         sync.Mutex
	reaped     bool  // the process id may belong to another process by now
	killReason error // of the first call of kill
}

// startMessage is a child's first message.
type startMessage struct {
	Limits   Limits `json:"limits"`
	Temp     string `json:"temp"`
	Config   []byte `json:"config"`
	Asks     bool   `json:"asks"`   // there are two more pipes, for queries
	MemoryFD int    `json:"pieces"` // descriptor of the shared memory; 0 = there is none
}

// helloMessage is a child's first answer.
type helloMessage struct {
	Identity []byte   `json:"identity"`
	Missing  []string `json:"missing"` // kinds of confinement that this system lacks
	Error    string   `json:"error"`
}

// startChild starts a child and waits for its hello message. The caller has added it to p.ended.
func (p *Pool) startChild(ctx context.Context) (*childProcess, error) {
	c, err := p.startProcess()
	if err != nil {
		p.ended.Done()
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "start a process to analyse in: %w", err).
			WithHint("PLIMSOLL_IN_PROCESS=1 analyses without one, for debugging")
	}
	if !p.register(c) {
		c.discard()
		return nil, closedError()
	}
	if err := p.handshake(ctx, c); err != nil {
		c.discard()
		return nil, err
	}
	return c, nil
}

// register adds a child to those that Close ends; false if Close was called already.
func (p *Pool) register(c *childProcess) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.children[c] = true
	return true
}

// unregister removes a child that has ended.
func (p *Pool) unregister(c *childProcess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.children, c)
	p.ended.Done()
}

// startProcess starts the process.
func (p *Pool) startProcess() (*childProcess, error) {
	dir, err := os.MkdirTemp(p.Temp, "plimsoll-child-")
	if err != nil {
		return nil, err
	}
	c := &childProcess{dir: dir, exited: make(chan struct{}), stderr: &stderrHead{}}
	var in, out *os.File
	if in, c.to, err = os.Pipe(); err == nil {
		c.from, out, err = os.Pipe()
	}
	if err == nil {
		enlargePipe(c.to)
		c.frames = bufio.NewReaderSize(c.from, chunkSize)
		c.cmd, err = p.childCommand(dir)
	}
	if err == nil && p.AnswerQueries != nil {
		c.queries, c.cmd.ExtraFiles, err = newQueryPipe()
	}
	if err == nil {
		c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = in, out, c.stderr
		p.addSharedMemory(c)
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
		c.queries.close()
		c.to.Close()   //nolint:errcheck // nothing was written
		c.from.Close() //nolint:errcheck // nothing was read
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// addSharedMemory adds shared memory to a child before its start, if this system supports it.
func (p *Pool) addSharedMemory(c *childProcess) {
	var file *os.File
	if c.shared, file = p.newMemory(); c.shared != nil {
		c.memoryFD = 3 + len(c.cmd.ExtraFiles) // after standard input, output and error
		c.cmd.ExtraFiles = append(c.cmd.ExtraFiles, file)
	}
}

// childCommand returns the command of a child, which inherits no environment, no working
// directory and no files except its pipes.
func (p *Pool) childCommand(dir string) (*exec.Cmd, error) {
	program := p.Command[0]
	if program == "" {
		var err error
		if program, err = ownBinary(); err != nil {
			return nil, err
		}
	}
	return &exec.Cmd{
		Path: program, Args: append([]string{"plimsoll"}, p.Command[1:]...), Dir: "/",
		Env:         append([]string{"TMPDIR=" + dir, "GOMAXPROCS=2", "GODEBUG=containermaxprocs=0,updatemaxprocs=0", "GOTRACEBACK=single"}, p.Env...),
		SysProcAttr: childProcAttr(), WaitDelay: time.Second,
	}, nil
}

// supervise starts the process, waits for its end and removes its directory. The kernel sends the
// parent-death signal when the thread that started the child ends, so the goroutine stays locked
// to its thread as long as the child lives.
func (p *Pool) supervise(c *childProcess, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return // startProcess reports it
	}
	defer p.unregister(c)
	defer p.answerQueries(c)()
	defer close(c.exited)
	c.reap()
	if err := os.RemoveAll(c.dir); err != nil {
		c.stderr.Write([]byte(err.Error())) //nolint:errcheck // memory
	}
}

// handshake sends the start message and checks the hello message.
func (p *Pool) handshake(ctx context.Context, c *childProcess) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })
	defer stop()
	opening, err := json.Marshal(startMessage{Limits: p.Limits, Temp: c.dir, Config: p.Config, Asks: p.AnswerQueries != nil, MemoryFD: c.memoryFD})
	if err != nil {
		return err
	}
	var h helloMessage
	err = writeFrame(c.to, kindStart, opening)
	if err == nil {
		err = readFrameJSON(c.frames, kindHello, &h)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && h.Error != "" {
		err = errors.New(cleanText(h.Error, maxText))
	}
	if err != nil {
		c.kill(errProtocol)
		<-c.exited
		return plimsoll.Errorf(plimsoll.Unavailable, "start a process to analyse in: %w (%s)", err, c.exitReason())
	}
	if !bytes.Equal(h.Identity, p.Identity) {
		return plimsoll.Errorf(plimsoll.Conflict, "the process to analyse in is a different program").
			WithHint("was the binary replaced? restart this process")
	}
	p.missing.Do(func() {
		if len(h.Missing) > 0 {
			p.Logger.Debug("this system lacks some confinement for analysing processes", "missing", cleanText(strings.Join(h.Missing, "; "), maxText))
		}
	})
	return nil
}

func (c *childProcess) isAlive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.reaped && c.killReason == nil
}

// kill kills the process and its group, and keeps the reason of the first call.
func (c *childProcess) kill(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return
	}
	if c.killReason == nil {
		c.killReason = reason
	}
	killGroup(c.cmd.Process)
}

// discard ends a child that is not in a call.
func (c *childProcess) discard() {
	c.kill(errors.New("it was discarded"))
	c.to.Close()   //nolint:errcheck // the process is gone
	c.from.Close() //nolint:errcheck // as above
}

func (c *childProcess) killedBy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.killReason
}

// exitReason describes how a process ended, for an error.
func (c *childProcess) exitReason() string {
	how := "it is gone"
	if s := c.cmd.ProcessState; s != nil {
		how = s.String()
	}
	if line := c.stderr.crashLine(); line != "" {
		how = fmt.Sprintf("%s: %s", how, line)
	}
	return how
}

// stderrHead keeps the beginning of a child's standard error, where the Go runtime writes the
// cause of a crash.
type stderrHead struct {
	mu   sync.Mutex
	text []byte
}

const maxHead = 16 << 10

// Write implements io.Writer.
func (h *stderrHead) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p[:min(len(p), maxHead-len(h.text))]...)
	return len(p), nil
}

func (h *stderrHead) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = nil
}

// crashLine returns the line with the cause of a crash: that of the Go runtime, else the last line.
func (h *stderrHead) crashLine() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	last := ""
	for line := range strings.Lines(string(h.text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") || strings.HasPrefix(line, "SIG") {
			return cleanText(line, 200)
		}
		last = line
	}
	return cleanText(last, 200)
}
