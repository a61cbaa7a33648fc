package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/baseline"
)

// ruleSets are the sets of rules that rules lists, by name.
func ruleSets() map[string]func() []plimsoll.Rule {
	return map[string]func() []plimsoll.Rule{"baseline": baseline.Rules}
}

func (a *app) rulesCommand() *cobra.Command {
	return group("rules", "Tell what images are checked for", a.rulesListCommand(), a.rulesShowCommand())
}

func (a *app) rulesListCommand() *cobra.Command {
	var set, check string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rules, ok := ruleSets()[set]
			if !ok {
				return plimsoll.Errorf(plimsoll.Invalid, "--set %.40q is not baseline", set)
			}
			chosen := []plimsoll.Rule{}
			for _, r := range rules() {
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
		},
	}
	cmd.Flags().StringVar(&set, "set", "baseline", "set of rules: baseline")
	cmd.Flags().StringVar(&check, "family", "", "family of rules, such as SSH (default: all)")
	complete(cmd, "set", "baseline")
	return cmd
}

func (a *app) rulesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show RULE",
		Short: "Show what one rule looks at, why, and what to do",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, rules := range ruleSets() {
				for _, r := range rules() {
					if r.ID == args[0] {
						return a.printRule(r)
					}
				}
			}
			return plimsoll.Errorf(plimsoll.NotFound, "no rule %.80q", args[0]).WithHint("see `plimsoll rules list`")
		},
	}
}

func (a *app) printRule(r plimsoll.Rule) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	_, err := fmt.Fprintf(a.out, "%s  %s  %s\n%s\n\n%s\n\nWhat to do: %s\n\nStandards: %s\nSources: %s\n",
		r.ID, a.severityText(r.Severity), r.Check, r.Title, r.Description, r.Advice, strings.Join(texts(r.Standards), ", "), strings.Join(r.References, "; "))
	return err
}
