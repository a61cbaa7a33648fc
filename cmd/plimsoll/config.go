package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"plimsoll"
)

// settle fills every flag that was not given from the environment, then from the
// settings file. It runs before any command.
func (a *app) settle(cmd *cobra.Command) error {
	flags := cmd.Flags()
	for _, name := range []string{"config", "data"} {
		if err := a.fromEnvironment(flags.Lookup(name), flags); err != nil {
			return err
		}
	}
	if a.data == "" {
		dir, err := defaultData(a.env)
		if err != nil {
			return err
		}
		a.data = dir
	}
	file, err := a.readConfig()
	if err != nil {
		return err
	}
	if err := checkKeys(cmd.Root(), file); err != nil {
		return err
	}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if err := a.fromEnvironment(f, flags); err != nil {
			errs = append(errs, err)
			return
		}
		if value, ok := file[f.Name]; ok && !f.Changed && f.Name != "config" && f.Name != "data" {
			errs = append(errs, set(flags, f.Name, value, "settings file"))
		}
	})
	return errors.Join(append(errs, a.check())...)
}

// checkKeys refuses keys that no command has as a flag: a misspelt setting must not be ignored.
func checkKeys(root *cobra.Command, file map[string]string) error {
	known := map[string]bool{}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
	for key := range file {
		if !known[key] {
			return plimsoll.Errorf(plimsoll.Invalid, "settings file: no setting is called %.80q", key).
				WithHint("keys are the names of flags without the dashes")
		}
	}
	return nil
}

func (a *app) check() error {
	if a.output != "table" && a.output != "json" {
		return plimsoll.Errorf(plimsoll.Invalid, "output %q is neither table nor json", a.output)
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "log level %q is not debug, info, warn or error", a.logLevel)
	}
	return nil
}

func (a *app) fromEnvironment(f *pflag.Flag, flags *pflag.FlagSet) error {
	if f.Changed {
		return nil
	}
	name := "PLIMSOLL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
	if value, ok := a.env(name); ok && value != "" {
		return set(flags, f.Name, value, name)
	}
	return nil
}

func set(flags *pflag.FlagSet, name, value, from string) error {
	if err := flags.Set(name, value); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "%s: %s: %w", from, name, err)
	}
	return nil
}

// readConfig returns the settings file flattened to flag name and value. A file that
// was not asked for may be absent.
func (a *app) readConfig() (map[string]string, error) {
	path := a.config
	if path == "" {
		path = filepath.Join(a.data, "config.yaml")
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && a.config == "" {
		return nil, nil
	}
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file: %w", err)
	}
	var values map[string]any
	if err := yaml.Unmarshal(raw, &values); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file %s: %w", path, err)
	}
	out := make(map[string]string, len(values))
	for key, value := range values {
		text, err := flat(value)
		if err != nil {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "settings file %s: %s: %w", path, key, err)
		}
		out[key] = text
	}
	return out, nil
}

func flat(value any) (string, error) {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			text, err := flat(item)
			if err != nil {
				return "", err
			}
			parts[i] = text
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		return "", errors.New("is a mapping, not a value")
	case nil:
		return "", nil
	default:
		return fmt.Sprint(v), nil
	}
}

// defaultData is the user's data directory: XDG_DATA_HOME, else the platform's custom.
func defaultData(env func(string) (string, bool)) (string, error) {
	if dir, ok := env("XDG_DATA_HOME"); ok && filepath.IsAbs(dir) {
		return filepath.Join(dir, "plimsoll"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Invalid, "no home directory: %w", err).WithHint("name a data directory with --data")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Application Support", "plimsoll"), nil
	}
	return filepath.Join(home, ".local", "share", "plimsoll"), nil
}
