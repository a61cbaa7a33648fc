package sandbox

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"plimsoll"
)

// errStalled is the reason for killing a child that makes no progress.
var errStalled = errors.New("no progress")

// childCall is one request to a child and its state.
type childCall struct {
	request  []byte
	body     io.Reader
	progress func(int64) error
	stall    time.Duration

	startedAt    time.Time
	progressAt   atomic.Int64 // when the child last took bytes or sent a frame: nanoseconds since startedAt
	waitsForBody atomic.Bool  // sendBody is reading the body: the child cannot make progress
	bodyUnneeded atomic.Bool  // sendBody should stop

	bodySent    bool  // the whole body was sent; set by sendBody
	bodyErr     error // error of reading the body; set by sendBody
	progressErr error // error returned by progress; set by receiveAnswer
}

// call sends a request and waits for the answer.
func (c *childProcess) call(ctx context.Context, call *childCall) ([]byte, error) {
	c.served++
	c.stderr.reset()
	call.startedAt = time.Now()
	stop := context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })
	watchDone := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { call.watchStall(c, watchDone) })
	var sender sync.WaitGroup
	done, pieces := make(chan struct{}), c.newCarrier()
	sender.Go(func() { call.sendBody(c.to, pieces, done) })
	answer, err := call.receiveAnswer(c)
	call.bodyUnneeded.Store(true)
	close(done)
	sender.Wait()
	close(watchDone)
	watcher.Wait()
	if !stop() {
		return nil, ctx.Err()
	}
	switch {
	case call.progressErr != nil:
		return nil, call.progressErr
	case call.bodyErr != nil:
		return nil, call.bodyErr
	case err != nil:
		return nil, err
	case !call.bodySent:
		return nil, c.protocolViolation()
	}
	return answer, nil
}

func (k *childCall) recordProgress() { k.progressAt.Store(int64(time.Since(k.startedAt))) }

// sendBody sends the request and its body, until done is closed. If writing fails, the child is
// ending, which receiveAnswer reports.
func (k *childCall) sendBody(to io.Writer, pieces pieceCarrier, done <-chan struct{}) {
	if writeFrame(to, kindRequest, k.request) != nil {
		return
	}
	for !k.bodyUnneeded.Load() {
		space := pieces.nextBuffer(done)
		if space == nil {
			break
		}
		k.waitsForBody.Store(true)
		n, err := k.body.Read(space)
		k.recordProgress()
		k.waitsForBody.Store(false)
		if n > 0 {
			if pieces.send(to, n) != nil {
				return
			}
			k.recordProgress()
		}
		switch {
		case err == io.EOF:
			k.bodySent = writeFrame(to, kindEnd, nil) == nil
			return
		case err != nil:
			k.bodyErr = err
			k.bodyUnneeded.Store(true)
		}
	}
	_ = writeFrame(to, kindBroken, nil) // receiveAnswer reports a failure
}

// receiveAnswer reads the frames of the child until the answer, a failure, or the child's end.
func (k *childCall) receiveAnswer(c *childProcess) ([]byte, error) {
	for {
		what, payload, err := readFrame(c.frames)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, c.protocolViolation()
		}
		if err != nil {
			return nil, c.waitDeath()
		}
		k.recordProgress()
		switch what {
		case kindProgress:
			if len(payload) == 8 && k.progress != nil && k.progressErr == nil {
				k.progressErr = k.progress(int64(binary.BigEndian.Uint64(payload)))
			}
			if k.progressErr != nil {
				k.bodyUnneeded.Store(true)
			}
		case kindFree:
			if !c.shared.release(payload) {
				return nil, c.protocolViolation()
			}
		case kindAnswer:
			return payload, nil
		case kindFailure:
			if f, ok := decodeFailure(payload); ok {
				return nil, f.error()
			}
			return nil, c.protocolViolation()
		default:
			return nil, c.protocolViolation()
		}
	}
}

// watchStall kills the child if it makes no progress for k.stall.
func (k *childCall) watchStall(c *childProcess, done <-chan struct{}) {
	tick := time.NewTicker(max(k.stall/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			if c.waitsForParent.Load() {
				k.recordProgress()
			}
			if !k.waitsForBody.Load() && time.Since(k.startedAt)-time.Duration(k.progressAt.Load()) > k.stall {
				c.kill(errStalled)
			}
		}
	}
}

// protocolViolation kills a child that broke the protocol and returns the error of the call.
func (c *childProcess) protocolViolation() error {
	c.kill(errProtocol)
	return c.waitDeath()
}

// waitDeath waits for the end of a child that closed its pipe, and returns the error of the call.
func (c *childProcess) waitDeath() error {
	select {
	case <-c.exited:
	case <-time.After(time.Second): // it is alive but can no longer answer
		c.kill(errProtocol)
		<-c.exited
	}
	switch reason := c.killedBy(); {
	case errors.Is(reason, errStalled):
		return diedError(plimsoll.FailureTimeout, "no progress within the stall budget, so it was killed")
	case errors.Is(reason, errClosed):
		return closedError()
	case errors.Is(reason, errProtocol):
		return diedError(plimsoll.FailureUnknown, "it broke the protocol and was killed")
	default:
		return diedError(plimsoll.FailureUnknown, c.exitReason())
	}
}
