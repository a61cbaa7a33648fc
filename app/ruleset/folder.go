// Package ruleset reads, replaces and transfers sets of rules for malware: folders of YARA rules, ClamAV signatures
// and lists of sums, also as OCI artifacts. It does not compile rules; package analysis does, in a confined process.
package ruleset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/app/terminal"
)

// Bounds of a set: a child process can receive and compile this much within its limits.
const (
	maxBytes = 48 << 20 // of all files
	maxFiles = 10_000
	maxPath  = 512 // bytes of a file's path in the folder
)

// ReadFolder reads every file of a folder and of the folders below it, except those whose names begin with a dot. It
// follows links within the folder; a link that leads out of it is an error, as is anything that is not a file. The
// folder "" has no rules.
func ReadFolder(folder string) ([]all.RuleFile, error) {
	if folder == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "folder of rules: %w", err).WithHint("see --rules")
	}
	defer root.Close() //nolint:errcheck // only read from
	set := boundedFiles{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && isHidden(d.Name()):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return nil
		}
		return set.addFrom(root, name)
	})
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "folder of rules %s: %w", folder, err)
	}
	return set.files, nil
}

// boundedFiles collects files of rules within the bounds.
type boundedFiles struct {
	files []all.RuleFile
	bytes int64
}

func (s *boundedFiles) addFrom(root *os.Root, name string) error {
	info, err := root.Stat(name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return nil // a link to a folder, whose files the walk reads by their own names
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
func (s *boundedFiles) add(name string, r io.Reader) error {
	if err := checkName(name); err != nil {
		return err
	}
	if isHidden(name) {
		return nil
	}
	if len(s.files) == maxFiles {
		return plimsoll.Errorf(plimsoll.TooLarge, "more than %d files of rules", maxFiles)
	}
	data, err := io.ReadAll(io.LimitReader(r, maxBytes-s.bytes+1))
	if err != nil {
		return fmt.Errorf("%.200q: %w", name, err)
	}
	if s.bytes += int64(len(data)); s.bytes > maxBytes {
		return plimsoll.Errorf(plimsoll.TooLarge, "the rules are larger than %d MiB with %.200q", maxBytes>>20, name)
	}
	s.files = append(s.files, all.RuleFile{Name: name, Data: data})
	return nil
}

// checkName accepts a path that stays in the folder and is safe to print.
func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || len(name) > maxPath || strings.ContainsAny(name, "\\:") || strings.ContainsFunc(name, terminal.IsHostile) {
		return plimsoll.Errorf(plimsoll.Invalid, "%.80q is no name for a file of rules", name)
	}
	return nil
}

// isHidden reports files of version control and the like, and files in such folders.
func isHidden(name string) bool {
	return strings.HasPrefix(name, ".") || strings.Contains(name, "/.")
}

// sourceFile stores where the rules of a folder came from. It is hidden, so it is not read as rules.
const sourceFile = ".source"

// ReplaceFolder replaces a folder with files: it writes them beside the folder, and renames when they are complete.
// The previous folder stays beside it, with .last at the end of its name. source is where the files came from.
func ReplaceFolder(folder, source string, files []all.RuleFile) (err error) {
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

// SourceOf returns the path of a folder, with the source that ReplaceFolder stored in it, if there is one.
func SourceOf(folder string) string {
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
