package app

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"plimsoll"
)

// RuleMatch is a rule that matches a file.
type RuleMatch struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"` // match, not_looked or secret
	Rule   string `json:"rule"`
	Engine string `json:"engine"`
}

// Match looks inside files of this machine as a scan looks inside the files of a layer. failed is what could not be
// looked at.
func (r *Rules) Match(ctx context.Context, paths []string) (matches []RuleMatch, failed []error, err error) {
	n := r.config.NewAnalysis("")
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.Start(1); err != nil {
		return nil, nil, err
	}
	if err := n.LogProblems(ctx); err != nil {
		return nil, nil, err
	}
	layer, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := writeLayer(w, paths)
		w.CloseWithError(err)
		written <- err
	}()
	result, err := n.Pass(ctx, layer)
	layer.CloseWithError(err)
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, err) {
		return nil, nil, writeErr
	}
	if err != nil {
		return nil, nil, err
	}
	matches, failed = ruleMatches(result.Reports)
	return matches, failed, nil
}

func ruleMatches(reports []plimsoll.LayerReport) (matches []RuleMatch, failed []error) {
	matches = []RuleMatch{}
	for _, r := range reports {
		for _, m := range r.Malware {
			matches = append(matches, RuleMatch{"/" + m.Path, string(m.Kind), m.Rule, m.Engine})
		}
		for _, s := range r.Secrets {
			matches = append(matches, RuleMatch{"/" + s.Path, "secret", s.Rule, "secret"})
		}
		if r.Analyzer.Name != "malware" && r.Analyzer.Name != "secret" {
			continue // files of this machine are no layer
		}
		for _, f := range r.Failures {
			failed = append(failed, plimsoll.Errorf(plimsoll.Invalid, "/%s: %s", f.Path, f.Detail))
		}
	}
	return matches, failed
}

// writeLayer writes files as a layer has them, by their full paths.
func writeLayer(to io.Writer, paths []string) error {
	t := tar.NewWriter(to)
	for _, p := range paths {
		if err := writeLayerFile(t, p); err != nil {
			return plimsoll.Errorf(plimsoll.Invalid, "%w", err)
		}
	}
	return t.Close()
}

func writeLayerFile(t *tar.Writer, name string) error {
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
