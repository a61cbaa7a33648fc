package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/secret"
	"plimsoll/app/analysis"
	"plimsoll/app/ruleset"
)

// Rules is what images are checked for. It needs no open data directory.
type Rules struct {
	config Config
}

// NewRules returns the rules of a configuration.
func NewRules(c Config) *Rules { return &Rules{config: c} }

// The sets whose rules can be listed one by one.
const (
	SetBaseline = "baseline"
	SetSecrets  = "secrets"
)

// List returns the rules of a set, SetBaseline or SetSecrets.
func (r *Rules) List(set string) ([]plimsoll.Rule, error) {
	switch set {
	case SetBaseline:
		return baseline.Rules(), nil
	case SetSecrets:
		return secretRules()
	default:
		return nil, plimsoll.Errorf(plimsoll.Invalid, "--set %.40q is neither baseline nor secrets", set)
	}
}

func secretRules() ([]plimsoll.Rule, error) {
	engine, err := secret.New()
	if err != nil {
		return nil, err
	}
	var list []plimsoll.Rule
	for _, r := range engine.Rules() {
		list = append(list, plimsoll.Rule{
			ID: r.ID, Check: "Secrets", Title: r.Title, Severity: r.Severity,
			Description: "A file of the image holds it, or its config does.",
			Advice:      "Withdraw the secret and make another; everyone who can pull the image has this one.",
		})
	}
	return list, nil
}

// Rule finds a rule of SetBaseline or SetSecrets by id. NotFound: there is none.
func (r *Rules) Rule(id string) (plimsoll.Rule, error) {
	for _, set := range []string{SetBaseline, SetSecrets} {
		rules, err := r.List(set)
		if err != nil {
			return plimsoll.Rule{}, err
		}
		for _, rule := range rules {
			if rule.ID == id {
				return rule, nil
			}
		}
	}
	return plimsoll.Rule{}, plimsoll.Errorf(plimsoll.NotFound, "no rule %.80q", id).WithHint("see `plimsoll rules list --set baseline`")
}

// RuleSet is a set of rules: where it comes from and how many of its rules are used.
type RuleSet struct {
	Name    string          `json:"name"`
	Kind    string          `json:"kind"`
	Source  string          `json:"source"`
	Digest  plimsoll.Digest `json:"digest"`
	Loaded  int             `json:"loaded"`
	Refused int             `json:"refused"`
	Version string          `json:"version,omitempty"` // of the second engine and its database
	Problem string          `json:"problem,omitempty"` // why the second engine does not answer
	Files   []all.RuleSet   `json:"files"`
}

// IsSecondEngine reports whether the set is that of clamd, whose rules are not known here.
func (s RuleSet) IsSecondEngine() bool { return s.Name == malware.SecondEngine }

// Sets returns all sets of rules, after loading those for malware in a confined process.
func (r *Rules) Sets(ctx context.Context) ([]RuleSet, error) {
	n := r.config.NewAnalysis("")
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.Start(1); err != nil {
		return nil, err
	}
	embedded, own, err := n.Describe(ctx)
	if err != nil {
		return nil, err
	}
	var out []RuleSet
	for _, name := range []string{SetBaseline, SetSecrets} {
		rules, err := r.List(name)
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(rules)
		if err != nil {
			return nil, err
		}
		out = append(out, RuleSet{Name: name, Kind: name, Source: "built in", Digest: plimsoll.DigestOf(raw), Loaded: len(rules), Files: []all.RuleSet{}})
	}
	out = append(out, malwareSet("embedded", "built in", embedded))
	if folder := r.config.RulesFolder(); folder != "" {
		out = append(out, malwareSet("folder", ruleset.SourceOf(folder), own))
	}
	if second := n.SecondEngine(ctx); second != nil {
		out = append(out, RuleSet{
			Name: malware.SecondEngine, Kind: "malware", Source: second.Address,
			Version: second.Version, Problem: second.Problem, Files: []all.RuleSet{},
		})
	}
	return out, nil
}

func malwareSet(name, source string, files []all.RuleSet) RuleSet {
	s := RuleSet{Name: name, Kind: "malware", Source: source, Files: append([]all.RuleSet{}, files...)}
	s.Loaded, s.Refused = analysis.CountRules(files)
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%q %s\n", f.Name, f.Digest)
	}
	s.Digest = plimsoll.DigestOf(sums.Bytes())
	return s
}

// NewRuleFiles is what Update and Push did.
type NewRuleFiles struct {
	Where   string // the folder, or the reference by digest
	Files   int
	Loaded  int // rules
	Refused int // rules that cannot be used
}

// Update replaces the folder of rules by the set of another folder, or of an artifact that is named by digest. A set
// of which nothing can be used changes nothing.
func (r *Rules) Update(ctx context.Context, from string, access RegistryAccess) (NewRuleFiles, error) {
	files, source, err := r.readNew(ctx, from, access)
	if err != nil {
		return NewRuleFiles{}, err
	}
	out, err := r.countUsable(ctx, from, files)
	if err != nil {
		return out, err
	}
	if out.Where = r.config.Rules; out.Where == "" {
		out.Where = r.config.OwnRules()
	}
	if err := ruleset.ReplaceFolder(filepath.Clean(out.Where), source, files); err != nil {
		return out, plimsoll.Errorf(plimsoll.Unavailable, "replace the rules: %w", err)
	}
	return out, nil
}

// readNew reads a set from a folder or an artifact.
func (r *Rules) readNew(ctx context.Context, from string, access RegistryAccess) ([]all.RuleFile, string, error) {
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		files, err := ruleset.ReadFolder(from)
		full, pathErr := filepath.Abs(from)
		return files, full, errors.Join(err, pathErr)
	}
	_, digest, pinned := strings.Cut(from, "@")
	if !pinned {
		return nil, "", plimsoll.Errorf(plimsoll.Invalid, "%.200q is neither a folder nor a reference with a digest", from).
			WithHint("name an artifact by digest: anyone who can write to the registry may move a tag")
	}
	if _, err := plimsoll.ParseDigest(digest); err != nil {
		return nil, "", err
	}
	src, resolved, err := r.config.OpenReference(ctx, from, access)
	if err != nil {
		return nil, "", err
	}
	files, err := ruleset.ReadArtifact(ctx, src, resolved, r.config.Budget)
	return files, from, err
}

// countUsable counts the rules of a set. It is an error if none can be used.
func (r *Rules) countUsable(ctx context.Context, from string, files []all.RuleFile) (NewRuleFiles, error) {
	sets, err := r.load(ctx, files)
	if err != nil {
		return NewRuleFiles{}, err
	}
	out := NewRuleFiles{Files: len(files)}
	if out.Loaded, out.Refused = analysis.CountRules(sets); out.Loaded == 0 {
		return NewRuleFiles{}, plimsoll.Errorf(plimsoll.Invalid, "no rule of %.200q can be used; %d are refused", from, out.Refused)
	}
	return out, nil
}

// load loads a set in a confined process, and returns the result for each of its files.
func (r *Rules) load(ctx context.Context, files []all.RuleFile) ([]all.RuleSet, error) {
	c := r.config.analysisConfig("")
	c.Files = append([]all.RuleFile{}, files...)
	n := analysis.New(c)
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.Start(1); err != nil {
		return nil, err
	}
	_, own, err := n.Describe(ctx)
	return own, err
}

// Push stores the rules of a folder in a registry, as an artifact that Update accepts. A set of which nothing can be
// used is not pushed.
func (r *Rules) Push(ctx context.Context, reference, folder string, access RegistryAccess) (NewRuleFiles, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return NewRuleFiles{}, plimsoll.Errorf(plimsoll.Invalid, "%.200q is no folder", folder).WithHint("the reference comes first: plimsoll rules push REFERENCE DIR")
	}
	files, err := ruleset.ReadFolder(folder)
	if err != nil {
		return NewRuleFiles{}, err
	}
	out, err := r.countUsable(ctx, folder, files)
	if err != nil {
		return out, err
	}
	to, err := r.config.openRegistry(reference, access)
	if err != nil {
		return out, err
	}
	out.Where, err = ruleset.PushArtifact(ctx, to, reference, files)
	return out, err
}
