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

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app/analysis"
	"plimsoll/app/terminal"
)

// Exit statuses.
const (
	exitOK        = 0
	exitThreshold = 1 // a --fail-on threshold was met
	exitError     = 2 // could not look, or could not do what was asked
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := runProgram(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// runProgram is the whole program: tests call it with their own streams.
func runProgram(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &application{in: in, out: out, errs: errs, env: os.LookupEnv}
	cmd := a.command()
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errs)
	err := cmd.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errThreshold):
		fmt.Fprintln(errs, "plimsoll:", terminal.Printable(err.Error()))
		return exitThreshold
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(errs, "plimsoll: stopped")
		return exitError
	}
	fmt.Fprintln(errs, "plimsoll:", terminal.Printable(err.Error()))
	if hint := plimsoll.ErrorHint(err); hint != "" {
		fmt.Fprintln(errs, "hint:", terminal.Printable(hint))
	}
	return exitError
}

func (a *application) analyzeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    analysis.ChildCommand,
		Short:  "Look inside layers for another plimsoll, which starts this by itself",
		Hidden: true,
		Args:   cobra.NoArgs,
		// No setting reaches a child, and none is looked for.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(*cobra.Command, []string) error {
			return analysis.ServeChild(a.in, a.out)
		},
	}
}
