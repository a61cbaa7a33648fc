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

// errStalled is why a child is killed that makes no progress.
var errStalled = errors.New("no progress")

// call is one request on its way through a child.
type call struct {
	request  []byte
	body     io.Reader
	progress func(int64) error
	stall    time.Duration

	began   time.Time
	moved   atomic.Int64 // when the child last took a byte or made a step: nanoseconds since began
	waiting atomic.Bool  // for the source of the body, which is not the child's fault
	enough  atomic.Bool  // the body need not be sent any further

	ended   bool  // the whole body was sent; set by feed
	source  error // of the body; set by feed
	refused error // by progress; set by receive
}

// call sends a request and waits for the answer.
func (c *child) call(ctx context.Context, k *call) ([]byte, error) {
	c.served++
	c.stderr.reset()
	k.began = time.Now()
	stop := context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })
	quiet := make(chan struct{})
	var parts sync.WaitGroup
	parts.Go(func() { k.watch(c, quiet) })
	var fed sync.WaitGroup
	over, pieces := make(chan struct{}), c.carrier()
	fed.Go(func() { k.feed(c.to, pieces, over) })
	answer, err := k.receive(c)
	k.enough.Store(true)
	close(over)
	fed.Wait()
	close(quiet)
	parts.Wait()
	if !stop() {
		return nil, ctx.Err()
	}
	switch {
	case k.refused != nil:
		return nil, k.refused
	case k.source != nil:
		return nil, k.source
	case err != nil:
		return nil, err
	case !k.ended:
		return nil, c.nonsense()
	}
	return answer, nil
}

func (k *call) move() { k.moved.Store(int64(time.Since(k.began))) }

// feed sends the request and its body, until over is closed. If writing fails the child is gone or going, which
// receive finds out.
func (k *call) feed(to io.Writer, pieces carrier, over <-chan struct{}) {
	if writeFrame(to, kindRequest, k.request) != nil {
		return
	}
	for !k.enough.Load() {
		space := pieces.space(over)
		if space == nil {
			break
		}
		k.waiting.Store(true)
		n, err := k.body.Read(space)
		k.move()
		k.waiting.Store(false)
		if n > 0 {
			if pieces.send(to, n) != nil {
				return
			}
			k.move()
		}
		switch {
		case err == io.EOF:
			k.ended = writeFrame(to, kindEnd, nil) == nil
			return
		case err != nil:
			k.source = err
			k.enough.Store(true)
		}
	}
	_ = writeFrame(to, kindBroken, nil) // receive finds out
}

// receive reads what the child says until the call is over.
func (k *call) receive(c *child) ([]byte, error) {
	for {
		what, payload, err := readFrame(c.frames)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, c.nonsense()
		}
		if err != nil {
			return nil, c.death()
		}
		k.move()
		switch what {
		case kindProgress:
			if len(payload) == 8 && k.progress != nil && k.refused == nil {
				k.refused = k.progress(int64(binary.BigEndian.Uint64(payload)))
			}
			if k.refused != nil {
				k.enough.Store(true)
			}
		case kindFree:
			if !c.shared.giveBack(payload) {
				return nil, c.nonsense()
			}
		case kindAnswer:
			return payload, nil
		case kindFailure:
			if f, ok := decodeFailure(payload); ok {
				return nil, f.error()
			}
			return nil, c.nonsense()
		default:
			return nil, c.nonsense()
		}
	}
}

// watch kills a child that does not move.
func (k *call) watch(c *child, quiet <-chan struct{}) {
	tick := time.NewTicker(max(k.stall/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-quiet:
			return
		case <-tick.C:
			if c.waits.Load() {
				k.move()
			}
			if !k.waiting.Load() && time.Since(k.began)-time.Duration(k.moved.Load()) > k.stall {
				c.kill(errStalled)
			}
		}
	}
}

// nonsense ends a child that broke the protocol.
func (c *child) nonsense() error {
	c.kill(errProtocol)
	return c.death()
}

// death waits for the end of a child that closed its pipe, and tells of it.
func (c *child) death() error {
	select {
	case <-c.exited:
	case <-time.After(time.Second): // it has no way to answer any more, and lives
		c.kill(errProtocol)
		<-c.exited
	}
	switch why := c.killed(); {
	case errors.Is(why, errStalled):
		return died(plimsoll.FailureTimeout, "no progress within the stall budget, so it was killed")
	case errors.Is(why, errClosed):
		return closedError()
	case errors.Is(why, errProtocol):
		return died(plimsoll.FailureUnknown, "it broke the protocol and was killed")
	default:
		return died(plimsoll.FailureUnknown, c.reason())
	}
}
