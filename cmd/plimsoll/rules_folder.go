package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/all"
)

// Bounds of a folder of rules: what a child can be handed, and compile, within its limits.
const (
	maxRuleBytes = 48 << 20 // of all files
	maxRuleFiles = 10_000
	maxRulePath  = 512 // bytes of a file's path in the folder
)

func (a *app) rulesFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.rules, "rules", "", "folder of rules for malware: YARA, ClamAV, lists of sums (default: rules in the data directory, if it is there)")
}

// rulesFolder is the folder that settings name, or the one in the data directory if there is one, or "".
func (a *app) rulesFolder() string {
	if a.rules != "" {
		return a.rules
	}
	folder := a.ownRules()
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return ""
	}
	return folder
}

// ownRules is where the data directory has its rules.
func (a *app) ownRules() string { return filepath.Join(a.data, "rules") }

// readRules reads every file of a folder and those below it, but those whose names begin with a dot. Links are followed within the
// folder; one that leads out of it is an error, as is anything that is no file. "" has no rules.
func readRules(folder string) ([]all.RuleFile, error) {
	if folder == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "folder of rules: %w", err).WithHint("see --rules")
	}
	defer root.Close() //nolint:errcheck // only read from
	set := ruleFiles{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && hiddenName(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return set.readFrom(root, name)
	})
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "folder of rules %s: %w", folder, err)
	}
	return set.files, nil
}

// ruleFiles are files of rules within the bounds.
type ruleFiles struct {
	files []all.RuleFile
	bytes int64
}

func (s *ruleFiles) readFrom(root *os.Root, name string) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return nil // a link to a folder, which is read where it stands
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%.200q is not a file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	return s.add(name, f)
}

// add reads a file, unless it is hidden.
func (s *ruleFiles) add(name string, r io.Reader) error {
	if err := checkRuleName(name); err != nil {
		return err
	}
	if hiddenName(name) {
		return nil
	}
	if len(s.files) == maxRuleFiles {
		return plimsoll.Errorf(plimsoll.TooLarge, "more than %d files of rules", maxRuleFiles)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxRuleBytes-s.bytes+1))
	if err != nil {
		return fmt.Errorf("%.200q: %w", name, err)
	}
	if s.bytes += int64(len(data)); s.bytes > maxRuleBytes {
		return plimsoll.Errorf(plimsoll.TooLarge, "the rules are larger than %d MiB with %.200q", maxRuleBytes>>20, name)
	}
	s.files = append(s.files, all.RuleFile{Name: name, Data: data})
	return nil
}

// checkRuleName wants a path that stays in the folder and can be shown.
func checkRuleName(name string) error {
	if !fs.ValidPath(name) || name == "." || len(name) > maxRulePath || strings.ContainsAny(name, "\\:") || strings.ContainsFunc(name, hostile) {
		return plimsoll.Errorf(plimsoll.Invalid, "%.80q is no name for a file of rules", name)
	}
	return nil
}

// hiddenName tells files of version control and the like, and those of folders of them.
func hiddenName(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// sourceFile tells where the rules of a folder came from. It is hidden, so it is not read as rules.
const sourceFile = ".source"

// replaceRules puts files into the place of a folder: they are written beside it, and take its name when they
// are whole. What was there stays beside it, with .last at its end.
func replaceRules(folder, source string, files []all.RuleFile) (err error) {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+".new-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(fresh))
		}
	}()
	for _, f := range append(files, all.RuleFile{Name: sourceFile, Data: []byte(source + "\n")}) {
		at := filepath.Join(fresh, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), writeSynced(at, f.Data)); err != nil {
			return err
		}
	}
	last := folder + ".last"
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(fresh, folder)
	}
	if err := errors.Join(os.RemoveAll(last), os.Rename(folder, last)); err != nil {
		return err
	}
	if err := os.Rename(fresh, folder); err != nil {
		return errors.Join(err, os.Rename(last, folder))
	}
	return nil
}

func writeSynced(at string, data []byte) error {
	f, err := os.OpenFile(at, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// ruleSource is what a folder says about where its rules came from, or its path.
func ruleSource(folder string) string {
	f, err := os.Open(filepath.Join(folder, sourceFile))
	if err != nil {
		return folder
	}
	defer f.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil || len(raw) == 0 {
		return folder
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return path.Clean(folder) + ", from " + line
}
