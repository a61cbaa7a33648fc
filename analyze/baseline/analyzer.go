package baseline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline/parse"
)

// Name is the name of the analyzer.
const Name = "baseline"

// version must be raised when the analyzer's output changes.
const version = "3"

// Paths of the account databases.
const (
	PasswdPath  = "etc/passwd"
	ShadowPath  = "etc/shadow"
	GroupPath   = "etc/group"
	GShadowPath = "etc/gshadow"
)

const (
	maxAccountFile = 16 << 20 // bytes
	maxModes       = 200_000  // file modes kept per layer
	maxConfigs     = 20_000   // configuration files kept per layer
)

// Mode bits that rules judge.
const (
	setUID        = 0o4000
	setGID        = 0o2000
	sticky        = 0o1000
	worldWritable = 0o002
)

// Analyzer collects the facts that rules read.
type Analyzer struct{}

// New returns the analyzer.
func New() Analyzer { return Analyzer{} }

// ID implements analyze.Analyzer.
func (Analyzer) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: Name, Version: version} }

// Failure implements analyze.Analyzer.
func (Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailureSettings }

// Begin implements analyze.Beginner. The analyzer it returns collects the facts of one layer; a
// later entry replaces an earlier entry of the same path.
func (Analyzer) Begin() analyze.Analyzer {
	return &factCollector{
		modes: map[string]plimsoll.FileMode{}, configs: map[string]plimsoll.ConfigFile{}, accounts: map[string]plimsoll.AccountFile{},
		hashes: map[string][]plimsoll.AccountHash{},
	}
}

// factCollector holds the facts of one layer by path.
type factCollector struct {
	Analyzer
	modes         map[string]plimsoll.FileMode
	configs       map[string]plimsoll.ConfigFile
	accounts      map[string]plimsoll.AccountFile
	hashes        map[string][]plimsoll.AccountHash // for the password lists of projects
	limitReported [2]bool                           // modes, configs: exceeding the limit was reported
}

// Entry implements analyze.EntryAnalyzer.
func (r *factCollector) Entry(e plimsoll.Entry, out *plimsoll.LayerReport) {
	delete(r.modes, e.Path)
	delete(r.configs, e.Path)
	delete(r.accounts, e.Path)
	delete(r.hashes, e.Path)
	if _, marker := analyze.Whiteout(e); marker {
		return
	}
	if keepsMode(e) && r.hasCapacity(len(r.modes), maxModes, 0, "files whose mode bits matter", out) {
		r.modes[e.Path] = plimsoll.FileMode{Path: e.Path, Mode: e.Mode, UID: e.UID, GID: e.GID, Dir: e.Type == plimsoll.EntryDir}
	}
	if e.Type != plimsoll.EntryFile && e.Type != plimsoll.EntryHardlink {
		return
	}
	k := kindOf(e.Path)
	if k == nil || k.parse != nil && e.Size <= k.maxBytes {
		return
	}
	file := plimsoll.ConfigFile{Path: e.Path, Kind: k.name}
	if k.parse != nil {
		file.Unread = fmt.Sprintf("file of %d bytes, at most %d are read", e.Size, k.maxBytes)
		if !k.tolerant {
			analyze.AddFailure(out, e.Path, plimsoll.FailureOversized, file.Unread)
			return
		}
	}
	r.addConfig(file, out)
}

func (r *factCollector) addConfig(file plimsoll.ConfigFile, out *plimsoll.LayerReport) {
	if r.hasCapacity(len(r.configs), maxConfigs, 1, "configuration files", out) {
		r.configs[file.Path] = file
	}
}

// hasCapacity reports whether one more fact fits. The first time one does not, it adds a failure
// to the report. which is the index in limitReported.
func (r *factCollector) hasCapacity(count, limit, which int, what string, out *plimsoll.LayerReport) bool {
	if count < limit {
		return true
	}
	if !r.limitReported[which] {
		r.limitReported[which] = true
		analyze.AddFailure(out, "", plimsoll.FailureOversized, fmt.Sprintf("more than %d %s, the rest is not judged", limit, what))
	}
	return false
}

// keepsMode reports whether rules need the mode of an entry: set-uid, set-gid and world-writable
// files, world-writable directories without the sticky bit, and guarded paths in any mode. A
// set-gid directory is ordinary.
func keepsMode(e plimsoll.Entry) bool {
	switch e.Type {
	case plimsoll.EntryFile, plimsoll.EntryHardlink:
		return e.Mode&(setUID|setGID|worldWritable) != 0 || isGuardedPath(e.Path)
	case plimsoll.EntryDir:
		return e.Mode&worldWritable != 0 && e.Mode&sticky == 0 || isGuardedPath(e.Path)
	default:
		return false
	}
}

// Wants implements analyze.FileAnalyzer.
func (r *factCollector) Wants(e plimsoll.Entry) bool {
	if isAccountFile(e.Path) {
		return true
	}
	k := kindOf(e.Path)
	return k != nil && k.parse != nil && e.Size <= k.maxBytes
}

func isAccountFile(path string) bool {
	switch path {
	case PasswdPath, ShadowPath, GroupPath, GShadowPath:
		return true
	default:
		return false
	}
}

// Analyze implements analyze.FileAnalyzer.
func (r *factCollector) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	if isAccountFile(f.Path) {
		return r.readAccountFile(f)
	}
	k := kindOf(f.Path)
	file := plimsoll.ConfigFile{Path: f.Path, Kind: k.name}
	if f.Size() > k.maxBytes { // Wants does not know the size of a hard link
		return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "file of %d bytes, at most %d are read", f.Size(), k.maxBytes))
	}
	var err error
	if file.Lines, err = k.parse(f); err != nil && k.tolerant {
		file.Unread, err = parse.Truncate(strings.ToValidUTF8(err.Error(), "?")), nil
	}
	if len(file.Lines) > 0 || k.keepEmpty || file.Unread != "" {
		r.addConfig(file, out)
	}
	return err
}

func (r *factCollector) readAccountFile(f analyze.File) error {
	if f.Size() > maxAccountFile {
		return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "file of %d bytes, at most %d are read", f.Size(), maxAccountFile))
	}
	var file plimsoll.AccountFile
	var hashes []parse.Hash
	var err error
	switch f.Path {
	case PasswdPath:
		file, hashes, err = parse.Passwd(f)
	case ShadowPath:
		file, hashes, err = parse.Shadow(f)
	case GroupPath:
		file, err = parse.Group(f)
	default:
		file, err = parse.GShadow(f)
	}
	file.Path = f.Path
	guessPasswords(&file, hashes)
	r.accounts[f.Path] = file
	r.hashes[f.Path] = boundedHashes(file, hashes)
	return err
}

// End implements analyze.Ender.
func (r *factCollector) End(out *plimsoll.LayerReport) {
	out.Modes = slices.SortedFunc(maps.Values(r.modes), func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	out.Configs = slices.SortedFunc(maps.Values(r.configs), func(a, b plimsoll.ConfigFile) int { return cmp.Compare(a.Path, b.Path) })
	out.Accounts = slices.SortedFunc(maps.Values(r.accounts), func(a, b plimsoll.AccountFile) int { return cmp.Compare(a.Path, b.Path) })
	for _, file := range out.Accounts {
		out.Hashes = append(out.Hashes, r.hashes[file.Path]...)
	}
}

// boundedHashes returns the hashes that leave the process to be sealed, at most
// plimsoll.MaxAccountHashes. A hash over a limit is left out; JudgeListed reports it as missing,
// because the file contains the number of accounts with a password.
func boundedHashes(file plimsoll.AccountFile, hashes []parse.Hash) []plimsoll.AccountHash {
	var out []plimsoll.AccountHash
	for _, h := range hashes {
		if len(out) == plimsoll.MaxAccountHashes {
			break
		}
		a := file.Accounts[h.Account]
		if len(h.Text) > plimsoll.MaxAccountHash {
			continue
		}
		hash := plimsoll.AccountHash{Path: file.Path, User: a.Name, Hash: plimsoll.Hidden(h.Text)}
		if a.Ageing != nil {
			hash.Changed = max(0, a.Ageing.Changed)
		}
		out = append(out, hash)
	}
	return out
}
