package main

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/malware/clamd"
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
func setUpAnalyzers(config []byte, parent io.ReadWriter) ([]byte, sandbox.Handler, error) {
	var c all.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, nil, plimsoll.Errorf(plimsoll.Invalid, "configuration of the analyzers: %w", err)
	}
	signatures, sets, err := all.Signatures(c)
	if err != nil {
		return nil, nil, err
	}
	if c.Second {
		signatures.Second = clamd.NewRemote(parent)
	}
	analyzers, err := all.With(c, signatures)
	if err != nil {
		return nil, nil, err
	}
	identity, err := identityOf(analyzers)
	if err != nil {
		return nil, nil, err
	}
	set, err := analyze.NewSet(analyzers)
	pass := scan.HandlePass(set)
	return identity, func(ctx context.Context, request []byte, body io.Reader, progress *atomic.Int64) ([]byte, error) {
		if string(request) == describeRules {
			if _, err := io.Copy(io.Discard, body); err != nil { // an answer before its end breaks the protocol
				return nil, err
			}
			return json.Marshal(sets)
		}
		return pass(ctx, request, body, progress)
	}, err
}

// describeRules is the request for what became of the files of rules; no request of a pass reads so.
const describeRules = "describe rules"

func identityOf(analyzers []analyze.Analyzer) ([]byte, error) {
	ids := make([]plimsoll.AnalyzerID, len(analyzers))
	for i, a := range analyzers {
		ids[i] = a.ID()
	}
	return json.Marshal(ids)
}

// analysis is the analyzers and the pool of children that run them.
type analysis struct {
	folder    string // of rules; "" = none
	connect   func(sessions int) (*secondEngine, error)
	second    *secondEngine      // after start; nil = none
	config    all.Config         // after load
	analyzers []analyze.Analyzer // after load
	secrets   *secret.Analyzer   // after load; among analyzers, unless it was left out
	options   sandbox.Options
	pool      *sandbox.Pool // nil until layers are to be read, and if they are read in this process
	confined  bool
}

// analysis prepares to look inside layers; nothing is loaded yet. temp is where children keep temporary files; "" =
// the system's place.
func (a *app) analysis(temp string, without ...string) *analysis {
	out := &analysis{folder: a.rulesFolder(), connect: a.secondEngine, config: all.Config{Without: without}, confined: true, options: sandbox.Options{
		Command: []string{"", analyzeLayer}, Limits: sandbox.DefaultLimits(a.limits()),
		Stall: a.limits().Stall, Temp: temp, Logger: a.logger(),
	}}
	if value, ok := a.env(inProcess); ok && value != "" && value != "0" {
		out.confined = false
		out.options.Logger.Warn("layers are analysed in this process, without confinement", "because", inProcess)
	}
	return out
}

// heapOfRules is how many bytes of memory a byte of rules may take when it is compiled. Measured with 3,116
// published YARA rules: 12.
const heapOfRules = 16

// load reads the files of rules. This process learns the analyzers' names; the rules themselves
// are compiled where they are used.
func (n *analysis) load() (err error) {
	if n.analyzers != nil {
		return nil
	}
	if n.config.Rules == nil && !slices.Contains(n.config.Without, malware.Name) {
		if n.config.Rules, err = readRules(n.folder); err != nil {
			return err
		}
	}
	analyzers, err := n.list()
	if err != nil {
		return err
	}
	n.secrets = secretsOf(analyzers)
	if n.options.Identity, err = identityOf(analyzers); err != nil {
		return err
	}
	if n.options.Config, err = json.Marshal(n.config); err != nil {
		return err
	}
	for _, f := range n.config.Rules {
		n.options.Limits.Heap += heapOfRules * int64(len(f.Data))
		n.options.Limits.Memory += 2 * heapOfRules * int64(len(f.Data))
	}
	n.analyzers = analyzers
	return nil
}

// list makes the analyzers, or what has their names where children have them.
func (n *analysis) list() ([]analyze.Analyzer, error) {
	if n.confined {
		return all.Names(n.config)
	}
	signatures, _, err := all.Signatures(n.config)
	if err != nil {
		return nil, err
	}
	if n.second != nil {
		signatures.Second = n.second.client
	}
	return all.With(n.config, signatures)
}

// secretsOf finds the analyzer for secrets, or makes one where it was left out: configs are
// redacted all the same.
func secretsOf(analyzers []analyze.Analyzer) *secret.Analyzer {
	for _, a := range analyzers {
		if a, ok := a.(*secret.Analyzer); ok {
			return a
		}
	}
	return secret.NewAnalyzer()
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
func (n *analysis) equip(inspector *scan.Inspector, layers int) error {
	if err := n.start(layers); err != nil {
		return err
	}
	inspector.Analyzers, inspector.Redact = n.analyzers, n.secrets.Redact
	if n.second != nil {
		inspector.Outside = map[string]func(context.Context) (string, error){malware.Name: n.second.version}
	}
	if n.confined {
		inspector.Pass = scan.ConfinedPass(n.pool.Run)
		return nil
	}
	set, err := analyze.NewSet(n.analyzers)
	inspector.Pass = scan.PassWith(set)
	return err
}

func (n *analysis) start(layers int) (err error) {
	if n.second == nil && !slices.Contains(n.config.Without, malware.Name) {
		if n.second, err = n.connect(layers); err != nil {
			return err
		}
		n.config.Second = n.second != nil
	}
	if err := n.load(); err != nil {
		return err
	}
	if n.confined && n.pool == nil {
		n.options.Size = layers
		if n.second != nil {
			n.options.AnswerQueries = n.second.answerQueries
		}
		n.pool = sandbox.New(n.options)
	}
	return nil
}

// describe tells what became of each file of rules.
func (n *analysis) describe(ctx context.Context) (sets []all.RuleSet, err error) {
	if !n.confined {
		_, sets, err = all.Signatures(n.config)
		return sets, err
	}
	answer, err := n.pool.Run(ctx, []byte(describeRules), strings.NewReader(""), nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, &sets); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "read what became of the rules: %w", err)
	}
	return sets, nil
}

// warn tells an operator, once, that some of the rules in the folder cannot be used, and that the second engine does not answer.
func (n *analysis) warn(ctx context.Context) error {
	if n.second != nil {
		if err := n.second.warn(ctx); err != nil {
			return err
		}
	}
	if len(n.config.Rules) == 0 {
		return nil // those of every build are tested
	}
	sets, err := n.describe(ctx)
	if err != nil {
		return err
	}
	if loaded, refused := countRules(sets); refused > 0 {
		n.options.Logger.WarnContext(ctx, "some rules cannot be used; `plimsoll rules list --refused` tells why", "refused", refused, "loaded", loaded, "folder", n.folder)
	}
	return nil
}

func countRules(sets []all.RuleSet) (loaded, refused int) {
	for _, s := range sets {
		loaded, refused = loaded+s.Loaded, refused+s.Refused
	}
	return loaded, refused
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
	if n == nil {
		return nil
	}
	var err error
	if n.pool != nil {
		err = n.pool.Close()
	}
	if n.second != nil {
		n.second.client.Close()
	}
	return err
}
