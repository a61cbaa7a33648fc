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

// version is raised when output changes.
const version = "3"

// The account databases.
const (
	PasswdPath  = "etc/passwd"
	ShadowPath  = "etc/shadow"
	GroupPath   = "etc/group"
	GShadowPath = "etc/gshadow"
)

const (
	maxAccountFile = 16 << 20 // bytes
	maxModes       = 200_000  // files whose mode is kept of one layer
	maxConfigs     = 20_000   // configuration files kept of one layer
)

// Mode bits that some rule judges.
const (
	setUID        = 0o4000
	setGID        = 0o2000
	sticky        = 0o1000
	worldWritable = 0o002
)

// Analyzer collects the facts that rules read.
type Analyzer struct{}

// New makes the analyzer.
func New() Analyzer { return Analyzer{} }

// ID implements analyze.Analyzer.
func (Analyzer) ID() plimsoll.AnalyzerID { return plimsoll.AnalyzerID{Name: Name, Version: version} }

// Failure implements analyze.Analyzer.
func (Analyzer) Failure() plimsoll.FailureCode { return plimsoll.FailureSettings }

// Begin implements analyze.Beginner: a later entry of the same path replaces an earlier one.
func (Analyzer) Begin() analyze.Analyzer {
	return &run{
		modes: map[string]plimsoll.FileMode{}, configs: map[string]plimsoll.ConfigFile{}, accounts: map[string]plimsoll.AccountFile{},
		hashes: map[string][]plimsoll.AccountHash{},
	}
}

type run struct {
	Analyzer
	modes    map[string]plimsoll.FileMode
	configs  map[string]plimsoll.ConfigFile
	accounts map[string]plimsoll.AccountFile
	hashes   map[string][]plimsoll.AccountHash // of the databases, for lists of projects
	over     [2]bool                           // modes, configs: the bound was told
}

// Entry implements analyze.EntryAnalyzer.
func (r *run) Entry(e plimsoll.Entry, out *plimsoll.LayerReport) {
	delete(r.modes, e.Path)
	delete(r.configs, e.Path)
	delete(r.accounts, e.Path)
	delete(r.hashes, e.Path)
	if _, marker := analyze.Whiteout(e); marker {
		return
	}
	if judged(e) && r.room(len(r.modes), maxModes, 0, "files whose mode bits matter", out) {
		r.modes[e.Path] = plimsoll.FileMode{Path: e.Path, Mode: e.Mode, UID: e.UID, GID: e.GID, Dir: e.Type == plimsoll.EntryDir}
	}
	if e.Type != plimsoll.EntryFile && e.Type != plimsoll.EntryHardlink {
		return
	}
	k := kindOf(e.Path)
	if k == nil || k.parse != nil && e.Size <= k.max {
		return
	}
	file := plimsoll.ConfigFile{Path: e.Path, Kind: k.name}
	if k.parse != nil {
		file.Unread = fmt.Sprintf("file of %d bytes, at most %d are read", e.Size, k.max)
		if !k.minor {
			analyze.AddFailure(out, e.Path, plimsoll.FailureOversized, file.Unread)
			return
		}
	}
	r.config(file, out)
}

func (r *run) config(file plimsoll.ConfigFile, out *plimsoll.LayerReport) {
	if r.room(len(r.configs), maxConfigs, 1, "configuration files", out) {
		r.configs[file.Path] = file
	}
}

// room reports whether one more fits, and tells once that it does not.
func (r *run) room(have, most, which int, what string, out *plimsoll.LayerReport) bool {
	if have < most {
		return true
	}
	if !r.over[which] {
		r.over[which] = true
		analyze.AddFailure(out, "", plimsoll.FailureOversized, fmt.Sprintf("more than %d %s, the rest is not judged", most, what))
	}
	return false
}

// judged: directories are kept where everyone may write and delete, a set-gid directory is
// ordinary; of files and directories that the system relies on, the mode is kept anyway.
func judged(e plimsoll.Entry) bool {
	switch e.Type {
	case plimsoll.EntryFile, plimsoll.EntryHardlink:
		return e.Mode&(setUID|setGID|worldWritable) != 0 || guarded(e.Path)
	case plimsoll.EntryDir:
		return e.Mode&worldWritable != 0 && e.Mode&sticky == 0 || guarded(e.Path)
	default:
		return false
	}
}

// Wants implements analyze.FileAnalyzer.
func (r *run) Wants(e plimsoll.Entry) bool {
	if accountFile(e.Path) {
		return true
	}
	k := kindOf(e.Path)
	return k != nil && k.parse != nil && e.Size <= k.max
}

func accountFile(path string) bool {
	switch path {
	case PasswdPath, ShadowPath, GroupPath, GShadowPath:
		return true
	default:
		return false
	}
}

// Analyze implements analyze.FileAnalyzer.
func (r *run) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	if accountFile(f.Path) {
		return r.database(f)
	}
	k := kindOf(f.Path)
	file := plimsoll.ConfigFile{Path: f.Path, Kind: k.name}
	if f.Size() > k.max { // a hard link, whose size was not known
		return plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "file of %d bytes, at most %d are read", f.Size(), k.max))
	}
	var err error
	if file.Lines, err = k.parse(f); err != nil && k.minor {
		file.Unread, err = parse.Short(strings.ToValidUTF8(err.Error(), "?")), nil
	}
	if len(file.Lines) > 0 || k.empty || file.Unread != "" {
		r.config(file, out)
	}
	return err
}

func (r *run) database(f analyze.File) error {
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
	r.hashes[f.Path] = kept(file, hashes)
	return err
}

// End implements analyze.Ender.
func (r *run) End(out *plimsoll.LayerReport) {
	out.Modes = slices.SortedFunc(maps.Values(r.modes), func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	out.Configs = slices.SortedFunc(maps.Values(r.configs), func(a, b plimsoll.ConfigFile) int { return cmp.Compare(a.Path, b.Path) })
	out.Accounts = slices.SortedFunc(maps.Values(r.accounts), func(a, b plimsoll.AccountFile) int { return cmp.Compare(a.Path, b.Path) })
	for _, file := range out.Accounts {
		out.Hashes = append(out.Hashes, r.hashes[file.Path]...)
	}
}

// kept are the hashes that leave the process, to be sealed; what is over a bound is missed later,
// because the file says how many accounts have a password.
func kept(file plimsoll.AccountFile, hashes []parse.Hash) []plimsoll.AccountHash {
	var out []plimsoll.AccountHash
	for _, h := range hashes {
		if len(out) == plimsoll.MaxAccountHashes {
			break
		}
		a := file.Accounts[h.Account]
		if len(h.Text) > plimsoll.MaxAccountHash {
			continue
		}
		kept := plimsoll.AccountHash{Path: file.Path, User: a.Name, Hash: plimsoll.Hidden(h.Text)}
		if a.Ageing != nil {
			kept.Changed = max(0, a.Ageing.Changed)
		}
		out = append(out, kept)
	}
	return out
}
