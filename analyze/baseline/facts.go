package baseline

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// Name is the name of the analyzer.
const Name = "baseline"

// version is raised when output changes.
const version = "1"

// The account databases.
const (
	PasswdPath = "etc/passwd"
	ShadowPath = "etc/shadow"
)

const (
	maxAccountFile = 16 << 20 // bytes
	maxAccountLine = 4096     // bytes
	maxAccounts    = 100_000
	maxModes       = 200_000 // files with dangerous bits in one layer
	maxText        = 256     // bytes kept of a name or a shell
)

// Mode bits that some check judges.
const (
	setUID        = 0o4000
	setGID        = 0o2000
	sticky        = 0o1000
	worldWritable = 0o002
)

// Analyzer collects the facts that checks read.
type Analyzer struct{}

// New makes the analyzer.
func New() Analyzer { return Analyzer{} }

// ID implements analyze.Analyzer.
func (Analyzer) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: Name, Version: version} }

// Failure implements analyze.Analyzer.
func (Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailureSettings }

// Begin implements analyze.Beginner: a later entry of the same path replaces an earlier one.
func (Analyzer) Begin() analyze.Analyzer { return &run{modes: map[string]plimsoll.FileMode{}} }

type run struct {
	Analyzer
	modes map[string]plimsoll.FileMode
	over  bool
}

// Entry implements analyze.EntryAnalyzer.
func (r *run) Entry(e plimsoll.Entry, out *plimsoll.LayerReport) {
	delete(r.modes, e.Path)
	if _, marker := analyze.Whiteout(e); marker || !judged(e) {
		return
	}
	if len(r.modes) == maxModes {
		if !r.over {
			r.over = true
			analyze.AddFailure(out, "", plimsoll.FailureOversized, fmt.Sprintf("more than %d files with special mode bits, the rest is not judged", maxModes))
		}
		return
	}
	r.modes[e.Path] = plimsoll.FileMode{Path: e.Path, Mode: e.Mode, UID: e.UID, GID: e.GID, Dir: e.Type == plimsoll.EntryDir}
}

// judged: directories are kept where everyone may write and delete; a set-gid directory is ordinary.
func judged(e plimsoll.Entry) bool {
	switch e.Type {
	case plimsoll.EntryFile, plimsoll.EntryHardlink:
		return e.Mode&(setUID|setGID|worldWritable) != 0
	case plimsoll.EntryDir:
		return e.Mode&worldWritable != 0 && e.Mode&sticky == 0
	default:
		return false
	}
}

// Wants implements analyze.FileAnalyzer.
func (r *run) Wants(e plimsoll.Entry) bool { return e.Path == PasswdPath || e.Path == ShadowPath }

// Analyze implements analyze.FileAnalyzer.
func (r *run) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	if f.Size() > maxAccountFile {
		return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "file of %d bytes, at most %d are read", f.Size(), maxAccountFile))
	}
	parse := ParsePasswd
	if f.Path == ShadowPath {
		parse = ParseShadow
	}
	accounts, err := parse(f)
	out.Accounts = slices.DeleteFunc(out.Accounts, func(a plimsoll.AccountFile) bool { return a.Path == f.Path })
	out.Accounts = append(out.Accounts, plimsoll.AccountFile{Path: f.Path, Accounts: accounts})
	return err
}

// End implements analyze.Ender.
func (r *run) End(out *plimsoll.LayerReport) {
	for _, m := range r.modes {
		out.Modes = append(out.Modes, m)
	}
	slices.SortFunc(out.Modes, func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(out.Accounts, func(a, b plimsoll.AccountFile) int { return cmp.Compare(a.Path, b.Path) })
}

// ParsePasswd reads passwd(5). A line that is not one is an error after the rest was read;
// comments, empty lines and NIS markers ("+", "-") are skipped.
func ParsePasswd(r io.Reader) ([]plimsoll.Account, error) {
	return parseAccounts(r, func(fields []string) (plimsoll.Account, bool) {
		if len(fields) != 7 {
			return plimsoll.Account{}, false
		}
		uid, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return plimsoll.Account{}, false
		}
		return plimsoll.Account{UID: int64(uid), Shell: short(fields[6]), EmptyPassword: fields[1] == ""}, true
	})
}

// ParseShadow reads shadow(5) and keeps of field 2 only whether it is empty.
func ParseShadow(r io.Reader) ([]plimsoll.Account, error) {
	return parseAccounts(r, func(fields []string) (plimsoll.Account, bool) {
		if len(fields) < 2 || len(fields) > 9 {
			return plimsoll.Account{}, false
		}
		return plimsoll.Account{UID: -1, EmptyPassword: fields[1] == ""}, true
	})
}

func parseAccounts(r io.Reader, parse func([]string) (plimsoll.Account, bool)) ([]plimsoll.Account, error) {
	var list []plimsoll.Account
	var bad, first int
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxAccountLine)
	n := 0
	for lines.Scan() {
		n++
		line := lines.Text()
		if strings.TrimSpace(line) == "" || strings.ContainsRune("#+-", rune(line[0])) {
			continue
		}
		fields := strings.Split(line, ":")
		a, ok := parse(fields)
		if a.Name = short(fields[0]); !ok || a.Name == "" {
			if bad++; bad == 1 {
				first = n
			}
			continue
		}
		if len(list) == maxAccounts {
			return list, plimsoll.Errorf(plimsoll.TooLarge, "more than %d accounts", maxAccounts)
		}
		list = append(list, a)
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return list, plimsoll.Errorf(plimsoll.Invalid, "line %d is longer than %d bytes", n+1, maxAccountLine)
	} else if err != nil {
		return list, err
	}
	if bad > 0 {
		return list, plimsoll.Errorf(plimsoll.Invalid, "%d lines are not accounts, the first is line %d", bad, first)
	}
	return list, nil
}

// short keeps what is needed to recognise a name, as valid UTF-8.
func short(s string) string {
	s = strings.Clone(s[:min(len(s), maxText)])
	return strings.ToValidUTF8(s, "\uFFFD")
}
