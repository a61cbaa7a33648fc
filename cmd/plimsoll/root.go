package main

import (
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
)

// application is one run of the program: its streams and the settings that commands share.
type application struct {
	in        io.Reader
	out, errs io.Writer
	env       func(string) (string, bool)

	budget            plimsoll.Budget // zero = the default
	settingsFile      string
	data              string
	endpoint          string
	project           string
	enterpriseProject string
	output            string
	logLevel          string
	logFormat         string
	allowHosts        []string
	caFile            string
	staleAfter        time.Duration
	countDeclared     bool
	rules             string
	clamd             string
	clamdMaxFile      size
}

func (a *application) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "plimsoll",
		Short: "A security inventory for container images",
		Long: `Plimsoll reads registries, looks once inside every layer, keeps what it found,
judges it again whenever advisories change, and answers over the image API of HSS.

Settings come from flags, then PLIMSOLL_* in the environment (--log-level is
PLIMSOLL_LOG_LEVEL), then a YAML file with the flags' names as keys, then defaults.
Without any setting everything lies in the user's data directory.

Exit status: 0 done; 1 a --fail-on threshold was met; 2 could not look, or an error.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if isCompletion(cmd) {
				return nil
			}
			return a.applySettings(cmd)
		},
	}
	root.SetFlagErrorFunc(explainMisuse)
	a.sharedFlags(root)
	root.AddCommand(
		a.serveCommand(), a.analyzeCommand(), a.scanCommand(), a.syncCommand(), a.imagesCommand(), a.historyCommand(), a.registryCommand(),
		a.explainCommand(), a.decisionsCommand(), a.vexCommand(), a.advisoriesCommand(), a.userCommand(), a.keyCommand(), a.sealCommand(), a.rulesCommand(), a.versionCommand(),
	)
	eachCommand(root, func(c *cobra.Command) {
		if check := c.Args; check != nil {
			c.Args = func(cmd *cobra.Command, args []string) error { return explainMisuse(cmd, check(cmd, args)) }
		}
	})
	return root
}

func (a *application) sharedFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&a.settingsFile, "config", "", "settings file in YAML (default: config.yaml in the data directory, if there is one)")
	f.StringVar(&a.data, "data", "", "data directory (default: the user's, e.g. ~/.local/share/plimsoll)")
	f.StringVar(&a.endpoint, "endpoint", "", "address of a running server to speak to instead of opening the data directory")
	f.StringVar(&a.project, "project", "", "project name or id (default: the first project)")
	f.StringVar(&a.enterpriseProject, "enterprise-project", "", "enterprise project id (default: 0 for what is added, all for lists)")
	f.StringVarP(&a.output, "output", "o", "table", "output format: table or json")
	f.StringVar(&a.logLevel, "log-level", "warn", "log level: debug, info, warn or error")
	f.StringVar(&a.logFormat, "log-format", "text", "log format: text or json")
	f.StringSliceVar(&a.allowHosts, "allow-host", nil, "host:port with a loopback or private address that may be spoken to (repeatable)")
	f.StringVar(&a.caFile, "ca-file", "", "PEM file of further certificate authorities, for registries and the server at --endpoint")
	completeFlag(root, "output", "table", "json")
	completeFlag(root, "log-level", "debug", "info", "warn", "error")
	completeFlag(root, "log-format", "text", "json")
}

// isCompletion reports whether a command serves shell completion, which works whatever the
// settings are.
func isCompletion(cmd *cobra.Command) bool {
	for c := cmd; c != nil; c = c.Parent() {
		if name := c.Name(); name == "completion" || strings.HasPrefix(name, cobra.ShellCompRequestCmd) {
			return true
		}
	}
	return false
}

// explainMisuse adds a hint to the help of a command that was called wrongly.
func explainMisuse(cmd *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return plimsoll.Errorf(plimsoll.Invalid, "%w", err).WithHint("see `%s --help`", cmd.CommandPath())
}

// newGroup makes a command that only has subcommands. A misspelt one is an error, not help.
func newGroup(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(commands...)
	return cmd
}

// completeFlag offers fixed words for a flag in shell completion.
func completeFlag(cmd *cobra.Command, flag string, words ...string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // a flag of that name was never declared
	}
}

// config is the configuration of the use cases, as the settings have it.
func (a *application) config() app.Config {
	c := app.DefaultConfig()
	c.CountDeclared = a.countDeclared
	c.Data, c.Project, c.Budget, c.StaleAfter = a.data, a.project, a.limits(), a.staleAfter
	c.AllowHosts, c.CAFile, c.Rules, c.Clamd, c.ClamdMaxFile = a.allowHosts, a.caFile, a.rules, a.clamd, int64(a.clamdMaxFile)
	value, ok := a.env("PLIMSOLL_IN_PROCESS")
	c.InProcess = ok && value != "" && value != "0"
	c.Logger = a.logger()
	return c
}

func (a *application) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		level = slog.LevelWarn
	}
	options := &slog.HandlerOptions{Level: level}
	if a.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.errs, options))
	}
	return slog.New(slog.NewTextHandler(a.errs, options))
}
