package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/malware/clamd"
)

// versionWithin bounds how long a daemon is asked for its version, which it knows.
const versionWithin = 10 * time.Second

func (a *app) clamdFlags(cmd *cobra.Command) {
	if a.clamdMaxFile == 0 {
		a.clamdMaxFile = size(clamd.DefaultConfig().MaxFile)
	}
	f := cmd.Flags()
	f.StringVar(&a.clamd, "clamd", "", "daemon of ClamAV that is asked about malware too: unix:/run/clamav/clamd.ctl or tcp://127.0.0.1:3310")
	f.Var(&a.clamdMaxFile, "clamd-max-file", "bytes of the largest file that clamd is shown: the least of StreamMaxLength and MaxFileSize in its clamd.conf")
}

func (a *app) checkClamd() error {
	if a.clamd == "" {
		return nil
	}
	if a.clamdMaxFile <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--clamd-max-file is not above zero")
	}
	_, _, err := clamd.ParseAddress(a.clamd)
	return err
}

// secondEngine is the daemon that is asked beside our own engine.
type secondEngine struct {
	client  *clamd.Client
	address string // as it was given
	maxFile int64
	logger  *slog.Logger

	mu    sync.Mutex
	known string // the last version that it told
}

// secondEngine makes the client of the daemon that settings name; nil = none. The address comes from deployment configuration alone, so
// it may be a private one.
func (a *app) secondEngine(sessions int) (*secondEngine, error) {
	if a.clamd == "" {
		return nil, nil
	}
	c := clamd.DefaultConfig()
	c.MaxFile, c.Sessions = int64(a.clamdMaxFile), sessions
	var err error
	if c.Network, c.Address, err = clamd.ParseAddress(a.clamd); err != nil {
		return nil, err
	}
	if c.Network == "tcp" {
		policy, err := a.policy(c.Address)
		if err != nil {
			return nil, err
		}
		c.Dial = policy.DialContext
	} else {
		c.Dial = (&net.Dialer{Timeout: versionWithin}).DialContext
	}
	client, err := clamd.New(c)
	return &secondEngine{client: client, address: a.clamd, maxFile: c.MaxFile, logger: a.logger()}, err
}

// ask has the daemon tell its version.
func (e *secondEngine) ask(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionWithin)
	defer cancel()
	v, err := e.client.Version(ctx)
	if err != nil && ctx.Err() != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "clamd at %.100s does not tell its version within %s", e.address, versionWithin)
	}
	return v, err
}

// version stands for what the daemon knows now and may be shown. One that does not answer is taken to be what it was:
// reports of that version are good, and new ones will say that it did not answer.
func (e *secondEngine) version(ctx context.Context) (string, error) {
	v, err := e.ask(ctx)
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

// answerQueries asks the daemon for a child.
func (e *secondEngine) answerQueries(ctx context.Context, child io.ReadWriter, waits func(bool)) {
	if err := e.client.Serve(ctx, child, waits); err != nil {
		e.logger.DebugContext(ctx, "a process that analyses asks clamd no more", "error", err)
	}
}

// warn tells an operator that the daemon does not answer. That it must not be spoken to is an error.
func (e *secondEngine) warn(ctx context.Context) error {
	_, err := e.ask(ctx)
	if plimsoll.ErrorCode(err) == plimsoll.Forbidden || ctx.Err() != nil {
		return err
	}
	if err != nil {
		e.logger.WarnContext(ctx, "clamd does not answer; layers that it should see are not looked at to the end", "error", err, "hint", plimsoll.ErrorHint(err))
	}
	return nil
}

// row is the daemon in the list of sets of rules.
func (e *secondEngine) row(ctx context.Context) ruleSet {
	s := ruleSet{Name: malware.SecondEngine, Kind: "malware", Source: e.address, Files: []all.RuleSet{}}
	v, err := e.ask(ctx)
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.Version = v
	return s
}
