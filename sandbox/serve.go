package sandbox

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll"
)

// Handler handles one request in a child. It may increase progress, which the parent gets and which
// shows that the handler has not stalled. The parent gets the code, failure code, text and hint of a
// returned error. A panic ends the child.
type Handler func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) (answer []byte, err error)

// Setup makes the handler of a child from Options.Config. It returns the identity of the handler,
// which must equal Options.Identity: otherwise parent and child are different programs. parent
// accepts queries to Options.AnswerQueries; nil if that is not set.
type Setup func(config []byte, parent io.ReadWriter) (identity []byte, h Handler, err error)

// progressEvery is the interval at which a child reports progress.
const progressEvery = 200 * time.Millisecond

// Serve is the main function of a child: it permanently confines this process, then answers requests
// until in ends. The process must call it before it does anything else.
func Serve(in io.Reader, out io.Writer, setup Setup) error {
	os.Stdout = os.Stderr // a library that prints must not break the protocol
	frames := bufio.NewReaderSize(in, headSize)
	var s startMessage
	if err := readFrameJSON(frames, kindStart, &s); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "this command is for plimsoll's own use: %w", err)
	}
	var view []byte
	if s.MemoryFD > 0 {
		var err error
		if view, err = mapReadOnly(s.MemoryFD); err != nil {
			return plimsoll.Errorf(plimsoll.Internal, "map shared memory: %w", err)
		}
	}
	h, handler := setUpChild(s, setup)
	greeting, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := writeFrame(out, kindHello, greeting); err != nil || handler == nil {
		return errors.Join(err, textError(h.Error))
	}
	for {
		what, request, err := readFrame(frames)
		if err == io.EOF {
			return nil
		}
		if err != nil || what != kindRequest {
			return errors.Join(errProtocol, err)
		}
		limitCPU(s.Limits.CPU)
		if err := handleRequest(handler, request, &bodyReader{r: frames, memory: view, free: out}, out); err != nil {
			return err
		}
	}
}

func textError(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// setUpChild confines the process and makes the handler, which is nil on an error.
func setUpChild(s startMessage, setup Setup) (helloMessage, Handler) {
	if s.Limits.Heap > 0 {
		debug.SetMemoryLimit(s.Limits.Heap)
	}
	refuseNetwork()
	missing, err := confineProcess(s.Limits, s.Temp)
	if err != nil {
		return helloMessage{Error: err.Error()}, nil
	}
	identity, handler, err := setup(s.Config, s.openQueryPipe())
	if err != nil {
		return helloMessage{Error: err.Error()}, nil
	}
	return helloMessage{Identity: identity, Missing: missing}, handler
}

// refuseNetwork replaces the default resolver and HTTP transport of libraries by ones that always
// fail. No code in a child should use them.
func refuseNetwork() {
	refused := errors.New("a process that analyses has no network")
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, refused
	}}
	http.DefaultTransport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, refused })
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// handleRequest calls the handler with one request and writes its answer or failure.
func handleRequest(handler Handler, request []byte, in *bodyReader, out io.Writer) error {
	var progress atomic.Int64
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() { sendProgress(&progress, done, out) })
	result, err := handler(context.Background(), request, in, &progress)
	close(done)
	reporter.Wait()
	if err == nil && len(result) > maxAnswer {
		err = plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "an answer of %d bytes, at most %d", len(result), maxAnswer))
	}
	if err != nil {
		var text []byte
		if text, err = encodeFailure(err); err != nil {
			return err
		}
		err = writeFrame(out, kindFailure, text)
	} else {
		err = writeFrame(out, kindAnswer, result)
	}
	return errors.Join(err, in.drain())
}

// sendProgress writes a frame whenever progress has changed, until done is closed.
func sendProgress(progress *atomic.Int64, done <-chan struct{}, out io.Writer) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	var sent int64
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			n := progress.Load()
			if n == sent {
				continue
			}
			sent = n
			if writeFrame(out, kindProgress, binary.BigEndian.AppendUint64(nil, uint64(n))) != nil {
				return // the parent is gone, which the next read reports
			}
		}
	}
}
