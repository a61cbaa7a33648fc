package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/analyze/baseline"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/secret"
)

// ruleSets are the sets of rules that are listed one by one, by name.
func ruleSets() map[string]func() ([]plimsoll.Rule, error) {
	return map[string]func() ([]plimsoll.Rule, error){"baseline": baselineRules, "secrets": secretRules}
}

func baselineRules() ([]plimsoll.Rule, error) { return baseline.Rules(), nil }

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
			Advice:      "Withdraw the secret and make another; whoever can pull the image has this one.",
		})
	}
	return list, nil
}

func (a *app) rulesCommand() *cobra.Command {
	return group("rules", "Tell what images are checked for, and change it",
		a.rulesListCommand(), a.rulesShowCommand(), a.rulesTestCommand(), a.rulesUpdateCommand(), a.rulesPushCommand())
}

// ruleSet is a row of rules list.
type ruleSet struct {
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

func (a *app) rulesListCommand() *cobra.Command {
	var set, check string
	var refused bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sets of rules, or the rules of one set",
		Long: `List tells of every set where it comes from and how many of its rules are loaded. A rule
or line that cannot be used is counted as refused; --refused lists them with the reason.

It tells of this machine and the settings given to it; a server has those it was started with.`,
		Example: `  plimsoll rules list
  plimsoll rules list --refused --rules ./rules
  plimsoll rules list --set baseline --family ssh`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case refused && (set != "" || check != ""):
				return plimsoll.Errorf(plimsoll.Invalid, "--refused does not go with --set or --family")
			case set != "" || check != "":
				return a.listRules(set, check)
			}
			sets, err := a.sets(cmd.Context())
			if err != nil {
				return err
			}
			return a.printSets(sets, refused)
		},
	}
	a.rulesFlag(cmd)
	a.clamdFlags(cmd)
	cmd.Flags().StringVar(&set, "set", "", "list the rules of this set: baseline or secrets")
	cmd.Flags().StringVar(&check, "family", "", "list the rules of this family, such as SSH")
	cmd.Flags().BoolVar(&refused, "refused", false, "list the rules and lines that cannot be used, and why")
	complete(cmd, "set", "baseline", "secrets")
	return cmd
}

// sets are all sets of rules.
func (a *app) sets(ctx context.Context) ([]ruleSet, error) {
	n := a.analysis("")
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.start(1); err != nil {
		return nil, err
	}
	files, err := n.describe(ctx)
	if err != nil {
		return nil, err
	}
	var out []ruleSet
	for _, name := range []string{"baseline", "secrets"} {
		rules, err := ruleSets()[name]()
		if err != nil {
			return nil, err
		}
		raw, err := json.Marshal(rules)
		if err != nil {
			return nil, err
		}
		out = append(out, ruleSet{Name: name, Kind: name, Source: "built in", Digest: plimsoll.DigestOf(raw), Loaded: len(rules), Files: []all.RuleSet{}})
	}
	out = append(out, malwareSet("embedded", "built in", files[:embeddedFiles]))
	if n.folder != "" {
		out = append(out, malwareSet("folder", ruleSource(n.folder), files[embeddedFiles:]))
	}
	if n.second != nil {
		out = append(out, n.second.row(ctx))
	}
	return out, nil
}

// embeddedFiles is how many files of every build come first in what all.Signatures tells.
const embeddedFiles = 2

func malwareSet(name, source string, files []all.RuleSet) ruleSet {
	s := ruleSet{Name: name, Kind: "malware", Source: source, Files: list(files)}
	s.Loaded, s.Refused = countRules(files)
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%q %s\n", f.Name, f.Digest)
	}
	s.Digest = plimsoll.DigestOf(sums.Bytes())
	return s
}

func (a *app) printSets(sets []ruleSet, refused bool) error {
	if !refused {
		for i := range sets {
			for j := range sets[i].Files {
				sets[i].Files[j].Refusals = nil
			}
		}
	}
	if a.output == "json" {
		return a.printJSON(sets)
	}
	if refused {
		t := a.table("file", "line", "rule", "why it cannot be used")
		for _, s := range sets {
			for _, f := range s.Files {
				for _, r := range f.Refusals {
					line := ""
					if r.Line > 0 {
						line = strconv.Itoa(r.Line)
					}
					row(t, f.Name, line, r.Rule, r.Reason)
				}
				if more := f.Refused - len(f.Refusals); more > 0 {
					row(t, f.Name, "", "", fmt.Sprintf("and %d more", more))
				}
			}
		}
		t.Render()
		return nil
	}
	t := a.table("set", "kind", "source", "digest", "loaded", "refused")
	for _, s := range sets {
		if s.Name == malware.SecondEngine {
			row(t, s.Name, s.Kind, s.Source+": "+cmp.Or(s.Version, s.Problem), "", "", "")
			continue
		}
		row(t, s.Name, s.Kind, s.Source, s.Digest.Short(), fmt.Sprint(s.Loaded), fmt.Sprint(s.Refused))
	}
	t.Render()
	return nil
}

// listRules lists the rules of one set; that of the baseline if none is named.
func (a *app) listRules(set, check string) error {
	if set == "" {
		set = "baseline"
	}
	rules, ok := ruleSets()[set]
	if !ok {
		return plimsoll.Errorf(plimsoll.Invalid, "--set %.40q is neither baseline nor secrets", set)
	}
	list, err := rules()
	if err != nil {
		return err
	}
	chosen := []plimsoll.Rule{}
	for _, r := range list {
		if check == "" || strings.EqualFold(r.Check, check) {
			chosen = append(chosen, r)
		}
	}
	if a.output == "json" {
		return a.printJSON(chosen)
	}
	t := a.table("rule", "severity", "family", "what is wrong when it fails")
	for _, r := range chosen {
		row(t, r.ID, a.severityText(r.Severity), r.Check, r.Title)
	}
	t.Render()
	return nil
}

func (a *app) rulesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RULE",
		Short: "Show what one rule of the baseline or for secrets looks at, and what to do",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, rules := range ruleSets() {
				list, err := rules()
				if err != nil {
					return err
				}
				for _, r := range list {
					if r.ID == args[0] {
						return a.printRule(r)
					}
				}
			}
			return plimsoll.Errorf(plimsoll.NotFound, "no rule %.80q", args[0]).WithHint("see `plimsoll rules list --set baseline`")
		},
	}
}

func (a *app) printRule(r plimsoll.Rule) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s\n%s\n\n%s\n\nWhat to do: %s\n",
		r.ID, a.severityText(r.Severity), r.Check, r.Title, r.Description, r.Advice)
	if err == nil && len(r.Standards) > 0 {
		_, err = fmt.Fprintf(a.out, "\nStandards: %s\nSources: %s\n", strings.Join(texts(r.Standards), ", "), strings.Join(r.References, "; "))
	}
	return err
}
