package main

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/secret"
	"plimsoll/sandbox"
	"plimsoll/scan"
)

// analyzeLayer is the command that a pool starts children with.
const analyzeLayer = "analyze-layer"

// inProcess is set to analyse in this process, for debugging: a hostile layer then has it all.
const inProcess = "PLIMSOLL_IN_PROCESS"

func (a *app) analyzeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    analyzeLayer,
		Short:  "Look inside layers for another plimsoll, which starts this by itself",
		Hidden: true,
		Args:   cobra.NoArgs,
		// No setting reaches a child, and none is looked for.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(*cobra.Command, []string) error {
			return sandbox.Serve(a.in, a.out, setUpAnalyzers)
		},
	}
}

// setUpAnalyzers makes a child's analyzers. Their ids are its identity.
func setUpAnalyzers(config []byte) ([]byte, sandbox.Handler, error) {
	var c all.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, nil, plimsoll.Errorf(plimsoll.Invalid, "configuration of the analyzers: %w", err)
	}
	analyzers, err := all.Analyzers(c)
	if err != nil {
		return nil, nil, err
	}
	identity, err := identityOf(analyzers)
	if err != nil {
		return nil, nil, err
	}
	set, err := analyze.NewSet(analyzers)
	return identity, scan.HandlePass(set), err
}

func identityOf(analyzers []analyze.Analyzer) ([]byte, error) {
	ids := make([]plimsoll.AnalyzerID, len(analyzers))
	for i, a := range analyzers {
		ids[i] = a.ID()
	}
	return json.Marshal(ids)
}

// analysis is the analyzers and the pool of children that run them.
type analysis struct {
	analyzers []analyze.Analyzer
	secrets   *secret.Analyzer // among analyzers, unless it was left out
	options   sandbox.Options
	pool      *sandbox.Pool // nil until layers are to be read, and if they are read in this process
	confined  bool
}

// analysis makes the analyzers. temp is where children keep temporary files; "" = the system's place.
func (a *app) analysis(temp string, without ...string) (*analysis, error) {
	config := all.Config{Without: without}
	analyzers, err := all.Analyzers(config)
	if err != nil {
		return nil, err
	}
	secrets, err := secretsOf(analyzers)
	if err != nil {
		return nil, err
	}
	out := &analysis{analyzers: analyzers, secrets: secrets, confined: true, options: sandbox.Options{
		Command: []string{"", analyzeLayer}, Limits: sandbox.DefaultLimits(a.limits()),
		Stall: a.limits().Stall, Temp: temp, Logger: a.logger(),
	}}
	if out.options.Config, err = json.Marshal(config); err != nil {
		return nil, err
	}
	if out.options.Identity, err = identityOf(analyzers); err != nil {
		return nil, err
	}
	if value, ok := a.env(inProcess); ok && value != "" && value != "0" {
		out.confined = false
		out.options.Logger.Warn("layers are analysed in this process, without confinement", "because", inProcess)
	}
	return out, nil
}

// secretsOf finds the analyzer for secrets, or makes one where it was left out: configs are
// redacted all the same.
func secretsOf(analyzers []analyze.Analyzer) (*secret.Analyzer, error) {
	for _, a := range analyzers {
		if a, ok := a.(*secret.Analyzer); ok {
			return a, nil
		}
	}
	engine, err := secret.New()
	if err != nil {
		return nil, err
	}
	return secret.NewAnalyzer(engine), nil
}

// secretRules says what the rules for secrets find, by id.
func (n *analysis) secretRules() map[string]string {
	out := map[string]string{}
	for _, r := range n.secrets.Rules() {
		out[r.ID] = r.Title
	}
	return out
}

// equip has an inspector use the analyzers, in children, so many layers at once. The
// first call decides how many.
func (n *analysis) equip(inspector *scan.Inspector, layers int) {
	inspector.Analyzers, inspector.Redact = n.analyzers, n.secrets.Redact
	if !n.confined {
		return
	}
	if n.pool == nil {
		n.options.Size = layers
		n.pool = sandbox.New(n.options)
	}
	inspector.Pass = scan.ConfinedPass(n.pool.Run)
}

// warm starts the first child.
func (n *analysis) warm(ctx context.Context) error {
	if n.pool == nil {
		return nil
	}
	return n.pool.Warm(ctx)
}

// Close ends every child.
func (n *analysis) Close() error {
	if n == nil || n.pool == nil {
		return nil
	}
	return n.pool.Close()
}
