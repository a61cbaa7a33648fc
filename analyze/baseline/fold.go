package baseline

import (
	"cmp"
	"slices"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
)

// Kind declares settings: the results of all checks of the folded facts and the image config. It
// reads the release that the packages' kind finds, which comes before it.
type Kind struct{}

// Name implements analyze.Kind.
func (Kind) Name() string { return Name }

// Paths implements analyze.Kind.
func (Kind) Paths(r *plimsoll.LayerReport, about func(path string)) {
	for i := range r.Accounts {
		about(r.Accounts[i].Path)
	}
	for i := range r.Configs {
		about(r.Configs[i].Path)
	}
	for i := range r.Modes {
		about(r.Modes[i].Path)
	}
}

// Fold implements analyze.Kind. An account database that no report describes is unread.
func (Kind) Fold(in analyze.FoldInput, record *plimsoll.ScanRecord) []plimsoll.FileFailure {
	facts, unread := FoldFacts(in)
	if record.Facts != nil {
		facts.Release = record.Facts.Release
	}
	for _, check := range Checks() {
		record.Settings = append(record.Settings, check.Run(facts))
	}
	for _, file := range facts.Accounts {
		if file.From.Passwords > 0 {
			record.Accounts = append(record.Accounts, file.From)
		}
	}
	return unread
}

// Withhold implements analyze.Kind.
func (Kind) Withhold(record *plimsoll.ScanRecord) { record.Settings, record.Accounts = nil, nil }

// FoldFacts returns the facts of an image without its release, and the account databases that no
// report describes.
func FoldFacts(in analyze.FoldInput) (facts analyze.Image, unread []plimsoll.FileFailure) {
	facts.Config = in.Config
	facts.Accounts, unread = foldAccounts(in.View)
	configs := layer.CollectItems(in.View, func(r *plimsoll.LayerReport) []plimsoll.ConfigFile { return r.Configs },
		func(c *plimsoll.ConfigFile) string { return c.Path })
	for n, c := range configs.Visible() {
		if n.IsFile() {
			file := *c
			file.Path = in.Path(n)
			facts.Configs = append(facts.Configs, file)
		}
	}
	modes := layer.CollectItems(in.View, func(r *plimsoll.LayerReport) []plimsoll.FileMode { return r.Modes },
		func(m *plimsoll.FileMode) string { return m.Path })
	for n, m := range modes.Visible() {
		if !n.IsLink() {
			mode := *m
			mode.Path = in.Path(n)
			facts.Modes = append(facts.Modes, mode)
		}
	}
	slices.SortFunc(facts.Configs, func(a, b plimsoll.ConfigFile) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(facts.Modes, func(a, b plimsoll.FileMode) int { return cmp.Compare(a.Path, b.Path) })
	ofLayers, ofFiles := in.FailuresOf(Name)
	facts.Failures = slices.Concat(ofLayers, unread, ofFiles)
	return facts, unread
}

// foldAccounts returns the visible account databases, under their usual paths.
func foldAccounts(v *layer.View) (accounts []plimsoll.AccountFile, unread []plimsoll.FileFailure) {
	files := layer.CollectItems(v, func(r *plimsoll.LayerReport) []plimsoll.AccountFile { return r.Accounts },
		func(a *plimsoll.AccountFile) string { return a.Path })
	finder := analyze.FileFinder{View: v, Code: plimsoll.FailureSettings}
	for _, path := range [...]string{PasswdPath, ShadowPath, GroupPath, GShadowPath} {
		n := finder.Find(path)
		if n == nil {
			continue
		}
		item := files.At(n)
		if item == nil {
			finder.AddUnread(n)
			continue
		}
		file := *item
		file.From = plimsoll.AccountSource{Layer: v.DiffID(n.Layer()), Path: item.Path, Passwords: countPasswords(file)}
		file.Path = path
		accounts = append(accounts, file)
	}
	return accounts, finder.Unread
}

// countPasswords counts the accounts that have a password.
func countPasswords(file plimsoll.AccountFile) (n int) {
	for _, a := range file.Accounts {
		if a.Scheme != "" {
			n++
		}
	}
	return n
}
