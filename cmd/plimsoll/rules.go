package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
)

func (a *application) rulesCommand() *cobra.Command {
	return newGroup("rules", "Show what images are checked for, and change it",
		a.rulesListCommand(), a.rulesShowCommand(), a.rulesTestCommand(), a.rulesUpdateCommand(), a.rulesPushCommand())
}

func (a *application) rulesListCommand() *cobra.Command {
	var set, check string
	var refused bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the sets of rules, or the rules of one set",
		Long: `List shows where each set comes from and how many of its rules are loaded. A rule
or line that cannot be used is counted as refused; --refused lists them with the reason.

It is about this machine and the settings given here; a server has those it was started with.`,
		Example: `  plimsoll rules list
  plimsoll rules list --refused --rules ./rules
  plimsoll rules list --set baseline --family ssh`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case refused && (set != "" || check != ""):
				return plimsoll.Errorf(plimsoll.Invalid, "--refused does not go with --set or --family")
			case set != "" || check != "":
				return a.printRules(set, check)
			}
			sets, err := app.NewRules(a.config()).Sets(cmd.Context())
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
	completeFlag(cmd, "set", "baseline", "secrets")
	return cmd
}

func (a *application) printSets(sets []app.RuleSet, refused bool) error {
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
		t := a.newTable("file", "line", "rule", "why it cannot be used")
		for _, s := range sets {
			for _, f := range s.Files {
				for _, r := range f.Refusals {
					line := ""
					if r.Line > 0 {
						line = strconv.Itoa(r.Line)
					}
					addRow(t, f.Name, line, r.Rule, r.Reason)
				}
				if more := f.Refused - len(f.Refusals); more > 0 {
					addRow(t, f.Name, "", "", fmt.Sprintf("and %d more", more))
				}
			}
		}
		t.Render()
		return nil
	}
	t := a.newTable("set", "kind", "source", "digest", "loaded", "refused")
	for _, s := range sets {
		if s.IsSecondEngine() {
			addRow(t, s.Name, s.Kind, s.Source+": "+cmp.Or(s.Version, s.Problem), "", "", "")
			continue
		}
		addRow(t, s.Name, s.Kind, s.Source, s.Digest.Short(), fmt.Sprint(s.Loaded), fmt.Sprint(s.Refused))
	}
	t.Render()
	return nil
}

// printRules lists the rules of one set and family; the set of the baseline if none is named, every family for "".
func (a *application) printRules(set, family string) error {
	rules, err := app.NewRules(a.config()).List(cmp.Or(set, app.SetBaseline))
	if err != nil {
		return err
	}
	chosen := []plimsoll.Rule{}
	for _, r := range rules {
		if family == "" || strings.EqualFold(r.Check, family) {
			chosen = append(chosen, r)
		}
	}
	if a.output == "json" {
		return a.printJSON(chosen)
	}
	t := a.newTable("rule", "severity", "family", "what is wrong when it fails")
	for _, r := range chosen {
		addRow(t, r.ID, a.severityText(r.Severity), r.Check, r.Title)
	}
	t.Render()
	return nil
}

func (a *application) rulesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RULE",
		Short: "Show what one rule of the baseline or for secrets looks at, and what to do",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			rule, err := app.NewRules(a.config()).Rule(args[0])
			if err != nil {
				return err
			}
			return a.printRule(rule)
		},
	}
}

func (a *application) printRule(r plimsoll.Rule) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s\n%s\n\n%s\n\nWhat to do: %s\n",
		r.ID, a.severityText(r.Severity), r.Check, r.Title, r.Description, r.Advice)
	if err == nil && len(r.Standards) > 0 {
		_, err = fmt.Fprintf(a.out, "\nStandards: %s\nSources: %s\n", strings.Join(toStrings(r.Standards), ", "), strings.Join(r.References, "; "))
	}
	return err
}

func (a *application) rulesTestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "test FILE ...",
		Short: "Show which rules match files",
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

func (a *application) testRules(ctx context.Context, paths []string) error {
	matches, failed, err := app.NewRules(a.config()).Match(ctx, paths)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return errors.Join(append([]error{a.printJSON(matches)}, failed...)...)
	}
	t := a.newTable("file", "kind", "rule", "engine")
	for _, m := range matches {
		addRow(t, m.Path, m.Kind, m.Rule, m.Engine)
	}
	t.Render()
	return errors.Join(failed...)
}

func (a *application) rulesUpdateCommand() *cobra.Command {
	var o accessOptions
	cmd := &cobra.Command{
		Use:   "update REFERENCE@sha256:DIGEST | DIR",
		Short: "Replace the folder of rules",
		Long: `Update takes a set of rules from a folder, or from an OCI artifact whose manifest has this
digest. The layers of an artifact are files with the annotation org.opencontainers.image.title,
or tar archives of files. The set is loaded in a confined process first; one that
cannot be read, or of which nothing loads, changes nothing.

The new folder takes the place of the old one when it is whole. The old one stays beside it,
with .last at the end of its name. A server reads rules when it starts.`,
		Example: `  plimsoll rules update ./rules
  plimsoll rules update registry.example.org/security/rules@sha256:9f86d081…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.updateRules(cmd.Context(), args[0], o)
		},
	}
	a.rulesFlag(cmd)
	o.addFlags(cmd)
	return cmd
}

func (a *application) updateRules(ctx context.Context, from string, o accessOptions) error {
	access, err := a.registryAccess(o)
	if err != nil {
		return err
	}
	n, err := app.NewRules(a.config()).Update(ctx, from, access)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{"folder": n.Where, "files": n.Files, "loaded": n.Loaded, "refused": n.Refused})
	}
	a.note("%s has %d files, %d rules; %d are refused", n.Where, n.Files, n.Loaded, n.Refused)
	return nil
}

func (a *application) rulesPushCommand() *cobra.Command {
	var o accessOptions
	cmd := &cobra.Command{
		Use:   "push REFERENCE DIR",
		Short: "Store a folder of rules in a registry",
		Long: `Push makes an OCI artifact of a folder, a layer per file, and prints its digest, by which
` + "`plimsoll rules update`" + ` takes it elsewhere. The same files make the same digest. The set is
loaded in a confined process first; one that cannot be read, or of which nothing loads, is
not pushed.`,
		Example: `  plimsoll rules push registry.example.org/security/rules:latest ./rules`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pushRules(cmd.Context(), args[0], args[1], o)
		},
	}
	o.addFlags(cmd)
	return cmd
}

func (a *application) pushRules(ctx context.Context, reference, folder string, o accessOptions) error {
	access, err := a.registryAccess(o)
	if err != nil {
		return err
	}
	n, err := app.NewRules(a.config()).Push(ctx, reference, folder, access)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{"reference": n.Where, "files": n.Files, "loaded": n.Loaded, "refused": n.Refused})
	}
	a.note("pushed %d files, %d rules; %d are refused", n.Files, n.Loaded, n.Refused)
	a.note("take it with: plimsoll rules update %s", n.Where)
	return nil
}
