package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"plimsoll"
	"plimsoll/app"
)

// notSettings are flags that choose where settings come from or end the command at once.
var notSettings = []string{"config", "help"}

// applySettings sets every flag that was not given from the environment, then from the
// settings file. It runs before any command.
func (a *application) applySettings(cmd *cobra.Command) error {
	flags := cmd.Flags()
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			errs = append(errs, a.setFromEnvironment(f, flags))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	file, err := a.readSettings()
	if err != nil {
		return err
	}
	if err := checkKeys(cmd.Root(), file); err != nil {
		return err
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if s, ok := file[f.Name]; ok && !f.Changed {
			errs = append(errs, s.applyTo(flags, f))
		}
	})
	if err := errors.Join(append(errs, a.checkSettings())...); err != nil {
		return err
	}
	if a.data == "" {
		a.data, err = app.DefaultData(a.env)
	}
	return err
}

// readSettings reads the file that --config names, or the one in the data directory,
// which may be absent. Only the former can say where the data directory is.
func (a *application) readSettings() (map[string]setting, error) {
	path := a.settingsFile
	if path == "" {
		dir := a.data
		if dir == "" {
			var err error
			if dir, err = app.DefaultData(a.env); err != nil {
				return nil, err
			}
		}
		path = filepath.Join(dir, "config.yaml")
	}
	file, err := readSettingsFile(path)
	if errors.Is(err, fs.ErrNotExist) && a.settingsFile == "" {
		return nil, nil
	}
	if _, ok := file["data"]; ok && a.settingsFile == "" {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file %s: a file in the data directory cannot name another data directory", path).
			WithHint("name the file with --config, or the directory with --data")
	}
	return file, err
}

// checkKeys refuses keys that no command has as a flag: a misspelt setting must not be ignored.
func checkKeys(root *cobra.Command, file map[string]setting) error {
	known := map[string]bool{}
	eachCommand(root, func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = !slices.Contains(notSettings, f.Name) })
	})
	var unknown []string
	for key := range file {
		if !known[key] {
			unknown = append(unknown, key)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return plimsoll.Errorf(plimsoll.Invalid, "settings file: no setting is called %.80q", unknown[0]).
		WithHint("keys are the names of flags without the dashes")
}

func eachCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, visit)
	}
}

// checkSettings rejects shared settings that cannot work.
func (a *application) checkSettings() error {
	if a.logFormat != "text" && a.logFormat != "json" {
		return plimsoll.Errorf(plimsoll.Invalid, "log format %.40q is neither text nor json", a.logFormat)
	}
	if a.output != "table" && a.output != "json" {
		return plimsoll.Errorf(plimsoll.Invalid, "output %.40q is neither table nor json", a.output)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "log level %.40q is not debug, info, warn or error", a.logLevel)
	}
	return a.config().Check()
}

// variableOf is the environment variable of a flag.
func variableOf(flag string) string {
	return "PLIMSOLL_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func (a *application) setFromEnvironment(f *pflag.Flag, flags *pflag.FlagSet) error {
	value, ok := a.env(variableOf(f.Name))
	if !ok || value == "" || f.Changed {
		return nil
	}
	if err := flags.Set(f.Name, value); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "%s: %w", variableOf(f.Name), err)
	}
	return nil
}

// setting is the value of a key of the settings file.
type setting struct {
	values []string
	list   bool
}

func (s setting) applyTo(flags *pflag.FlagSet, f *pflag.Flag) error {
	many, ok := f.Value.(pflag.SliceValue)
	var err error
	switch {
	case ok && s.list:
		f.Changed = true
		err = many.Replace(s.values)
	case s.list:
		err = errors.New("takes one value, not a list")
	default:
		err = flags.Set(f.Name, s.values[0])
	}
	if err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "settings file: %s: %w", f.Name, err)
	}
	return nil
}

const maxSettings = 1 << 20

// readSettingsFile reads a settings file: a mapping of flag names to values or lists of them.
func readSettingsFile(path string) (map[string]setting, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	raw, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err == nil && len(raw) > maxSettings {
		err = errors.New("is larger than 1 MiB")
	}
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file %s: %w", path, err)
	}
	settings, err := parseSettings(raw)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file %s: %w", path, err)
	}
	return settings, nil
}

// parseSettings keeps the text of values: the flag parses it. A key
// without a value counts as absent.
func parseSettings(raw []byte) (map[string]setting, error) {
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &nodes); err != nil {
		return nil, err
	}
	out := make(map[string]setting, len(nodes))
	for key, node := range nodes {
		items, list := []*yaml.Node{&node}, node.Kind == yaml.SequenceNode
		if list {
			items = node.Content
		}
		s := setting{list: list}
		for _, item := range items {
			switch {
			case item.Kind != yaml.ScalarNode:
				return nil, plimsoll.Errorf(plimsoll.Invalid, "%.80q is neither a value nor a list of values", key)
			case item.Tag != "!!null":
				s.values = append(s.values, item.Value)
			}
		}
		if list || len(s.values) > 0 {
			out[key] = s
		}
	}
	return out, nil
}
