package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the tables of flags into docs, and the golden files")

// allCommands are all that can be run, with their flags as users see them.
func allCommands() []*cobra.Command {
	var out []*cobra.Command
	eachCommand((&application{env: os.LookupEnv}).command(), func(c *cobra.Command) {
		if !c.HasSubCommands() && !c.Hidden {
			out = append(out, c)
		}
	})
	return out
}

func escapeCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// flagTable is a table of flags, with their variables if asked for.
func flagTable(flags *pflag.FlagSet, variables bool) string {
	var b bytes.Buffer
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" || f.Hidden {
			return
		}
		name, initial := "`--"+f.Name+"`", f.DefValue
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		switch initial {
		case "", "[]", "false":
			initial = ""
		default:
			initial = "`" + initial + "`"
		}
		if variables {
			name += " | `" + variableOf(f.Name) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, escapeCell(initial), escapeCell(f.Usage))
	})
	switch {
	case b.Len() == 0:
		return ""
	case variables:
		return "| flag | variable | default | what for |\n|---|---|---|---|\n" + b.String()
	default:
		return "| flag | default | what for |\n|---|---|---|\n" + b.String()
	}
}

func commandReference() string {
	var b strings.Builder
	for _, c := range allCommands() {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n```\n%s\n```\n", c.CommandPath(), c.Short, strings.TrimSuffix(c.UseLine(), " [flags]"))
		if c.Long != "" {
			fmt.Fprintf(&b, "\n```text\n%s\n```\n", c.Long)
		}
		if table := flagTable(c.NonInheritedFlags(), false); table != "" {
			b.WriteString("\n" + table)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// TestDocs holds the tables of flags in docs against the commands.
func TestDocs(t *testing.T) {
	root := (&application{env: os.LookupEnv}).command()
	for _, part := range []struct{ file, name, want string }{
		{"configuration.md", "shared flags", flagTable(root.PersistentFlags(), true)},
		{"commands.md", "commands", commandReference()},
	} {
		path := filepath.Join("..", "..", "docs", part.file)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, ok := strings.Cut(string(raw), "<!-- begin: "+part.name)
		mark, rest, ok2 := strings.Cut(rest, "-->\n")
		got, after, ok3 := strings.Cut(rest, "<!-- end: "+part.name)
		if !ok || !ok2 || !ok3 {
			t.Fatalf("%s has no part %q", path, part.name)
		}
		if *update {
			text := before + "<!-- begin: " + part.name + mark + "-->\n" + part.want + "<!-- end: " + part.name + after
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if d := cmp.Diff(part.want, got); d != "" {
			t.Errorf("%s is behind the commands; run go test ./cmd/plimsoll -run TestDocs -update\n%s", path, d)
		}
	}
}

// TestCommandsExplainThemselves: every command and flag says what it is for, in the
// same style, and misuse of a command cannot pass for its use.
func TestCommandsExplainThemselves(t *testing.T) {
	for _, c := range allCommands() {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short text %q", c.CommandPath(), c.Short)
		}
		if c.Args == nil && c.Name() != "sync" {
			t.Errorf("%s takes any arguments", c.CommandPath())
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: %q", c.CommandPath(), f.Name, f.Usage)
			}
		})
	}
}

// TestExamples loads every file of examples into every command that has its settings.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "examples", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range files {
		settings, err := readSettingsFile(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		applied := map[string]bool{}
		eachCommand((&application{}).command(), func(c *cobra.Command) {
			a := &application{env: func(string) (string, bool) { return "", false }, settingsFile: path}
			fresh, _, err := a.command().Find(strings.Fields(c.CommandPath())[1:])
			if err != nil {
				t.Fatal(err)
			}
			fresh.InheritedFlags() // joins the shared flags
			a.settingsFile = path
			if err := a.applySettings(fresh); err != nil {
				t.Errorf("%s, %s: %v", path, c.CommandPath(), err)
			}
			fresh.Flags().VisitAll(func(f *pflag.Flag) { applied[f.Name] = applied[f.Name] || f.Changed })
		})
		for key := range settings {
			if !applied[key] {
				t.Errorf("%s: %s is no setting of any command", path, key)
			}
		}
	}
}
