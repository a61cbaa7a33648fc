package analysis

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"plimsoll"
	"plimsoll/analyze/malware/clamd"
)

// versionTimeout bounds one query for the version of a daemon, which it answers at once.
const versionTimeout = 10 * time.Second

// secondEngine is the daemon that is asked about malware beside our own engine.
type secondEngine struct {
	client  *clamd.Client
	address string // as configured
	maxFile int64
	logger  *slog.Logger

	mu    sync.Mutex
	known string // the last version that it reported
}

// newSecondEngine makes the client of the configured daemon; nil = none. The address comes from deployment
// configuration alone, so it may be a private one.
func newSecondEngine(c Config, sessions int) (*secondEngine, error) {
	if c.Clamd == "" {
		return nil, nil
	}
	d := clamd.DefaultConfig()
	d.MaxFile, d.Sessions = c.ClamdMaxFile, sessions
	var err error
	if d.Network, d.Address, err = clamd.ParseAddress(c.Clamd); err != nil {
		return nil, err
	}
	if d.Network == "tcp" {
		policy, err := c.Policy(d.Address)
		if err != nil {
			return nil, err
		}
		d.Dial = policy.DialContext
	} else {
		d.Dial = (&net.Dialer{Timeout: versionTimeout}).DialContext
	}
	client, err := clamd.New(d)
	return &secondEngine{client: client, address: c.Clamd, maxFile: d.MaxFile, logger: c.Logger}, err
}

// queryVersion asks the daemon for its version.
func (e *secondEngine) queryVersion(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	v, err := e.client.Version(ctx)
	if err != nil && ctx.Err() != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "clamd at %.100s does not tell its version within %s", e.address, versionTimeout)
	}
	return v, err
}

// version identifies the daemon's database and the limit of files that it is sent. If the daemon does not answer, its
// last version counts: reports of that version are good, and new ones will contain that it did not answer.
func (e *secondEngine) version(ctx context.Context) (string, error) {
	v, err := e.queryVersion(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil:
		e.known = plimsoll.DigestOf(fmt.Appendf(nil, "%s\n%d", v, e.maxFile)).Short()
	case e.known == "":
		return "", err
	}
	return e.known, nil
}

// answerQueries passes a child's questions to the daemon.
func (e *secondEngine) answerQueries(ctx context.Context, child io.ReadWriter, waits func(bool)) {
	if err := e.client.Serve(ctx, child, waits); err != nil {
		e.logger.DebugContext(ctx, "a process that analyses asks clamd no more", "error", err)
	}
}

// logProblem logs that the daemon does not answer. It is an error if it must not be connected to.
func (e *secondEngine) logProblem(ctx context.Context) error {
	_, err := e.queryVersion(ctx)
	if plimsoll.ErrorCode(err) == plimsoll.Forbidden || ctx.Err() != nil {
		return err
	}
	if err != nil {
		e.logger.WarnContext(ctx, "clamd does not answer; layers that it should see are not looked at to the end", "error", err, "hint", plimsoll.ErrorHint(err))
	}
	return nil
}

// SecondEngine is the state of the second engine.
type SecondEngine struct {
	Address string
	Version string // of the engine and its database; "" if it does not answer
	Problem string // why it does not answer; "" if it does
}

// SecondEngine asks the second engine for its version; nil means that none is configured. Call it after Start.
func (a *Analysis) SecondEngine(ctx context.Context) *SecondEngine {
	if a.second == nil {
		return nil
	}
	s := &SecondEngine{Address: a.second.address}
	v, err := a.second.queryVersion(ctx)
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.Version = v
	return s
}
