// Command plimsoll keeps a security inventory of container images: it serves the
// API, works through scans, and lets an operator do the same from a shell.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"plimsoll"
)

// Exit statuses.
const (
	exitOK        = 0
	exitThreshold = 1 // a --fail-on threshold was met
	exitError     = 2 // could not look, or could not do what was asked
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: tests call it with their own streams.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	app := &app{in: in, out: out, errs: errs, env: os.LookupEnv}
	cmd := app.command()
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errs)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errThreshold):
		fmt.Fprintln(errs, "plimsoll:", printable(err.Error()))
		return exitThreshold
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "plimsoll: stopped")
		return exitError
	}
	fmt.Fprintln(errs, "plimsoll:", printable(err.Error()))
	if hint := plimsoll.ErrorHint(err); hint != "" {
		fmt.Fprintln(errs, "hint:", printable(hint))
	}
	return exitError
}
