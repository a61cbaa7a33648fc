package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/scan"
)

func (a *app) rulesTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE ...",
		Short: "Tell which rules match files",
		Long: `Test looks inside files as a scan looks inside the files of a layer, in a confined
process, and lists what the rules for malware and secrets find, also in archives. What could
not be looked at is an error.`,
		Example: `  plimsoll rules test ./sample.bin
  plimsoll rules test --rules ./rules /usr/bin/*`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.testRules(cmd.Context(), args)
		},
	}
	a.rulesFlag(cmd)
	a.clamdFlags(cmd)
	return cmd
}

// ruleMatch is a row of rules test.
type ruleMatch struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"` // match, not_looked or secret
	Rule   string `json:"rule"`
	Engine string `json:"engine"`
}

func (a *app) testRules(ctx context.Context, paths []string) error {
	n := a.analysis("")
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.start(1); err != nil {
		return err
	}
	if err := n.warn(ctx); err != nil {
		return err
	}
	pass := scan.Pass
	if n.confined {
		pass = scan.ConfinedPass(n.pool.Run)
	}
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := archiveFiles(w, paths)
		w.CloseWithError(err)
		written <- err
	}()
	result, err := pass(ctx, r, scan.PassRequest{Analyzers: n.analyzers, Budget: a.limits()})
	r.CloseWithError(err)
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, err) {
		return writeErr
	}
	if err != nil {
		return err
	}
	return a.printMatches(result.Reports)
}

// archiveFiles writes files as a layer holds them, by their full paths.
func archiveFiles(to io.Writer, paths []string) error {
	t := tar.NewWriter(to)
	for _, p := range paths {
		if err := archiveFile(t, p); err != nil {
			return plimsoll.Errorf(plimsoll.Invalid, "%w", err)
		}
	}
	return t.Close()
}

func archiveFile(t *tar.Writer, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", name)
	}
	full, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	head := &tar.Header{Typeflag: tar.TypeReg, Format: tar.FormatPAX, Size: info.Size(), Mode: int64(info.Mode().Perm()), Name: strings.TrimPrefix(filepath.ToSlash(full), "/")}
	if err := t.WriteHeader(head); err != nil {
		return err
	}
	_, err = io.Copy(t, io.LimitReader(f, info.Size()))
	return err
}

func (a *app) printMatches(reports []plimsoll.LayerReport) error {
	matches := []ruleMatch{}
	var failed []error
	for _, r := range reports {
		for _, m := range r.Malware {
			matches = append(matches, ruleMatch{"/" + m.Path, string(m.Kind), m.Rule, m.Engine})
		}
		for _, s := range r.Secrets {
			matches = append(matches, ruleMatch{"/" + s.Path, "secret", s.Rule, "secret"})
		}
		if r.Analyzer.Name != "malware" && r.Analyzer.Name != "secret" {
			continue // files of this machine are no layer
		}
		for _, f := range r.Failures {
			failed = append(failed, plimsoll.Errorf(plimsoll.Invalid, "/%s: %s", f.Path, f.Detail))
		}
	}
	if a.output == "json" {
		if err := a.printJSON(matches); err != nil {
			return err
		}
		return errors.Join(failed...)
	}
	t := a.table("file", "kind", "rule", "engine")
	for _, m := range matches {
		row(t, m.Path, m.Kind, m.Rule, m.Engine)
	}
	t.Render()
	return errors.Join(failed...)
}
