// Package analysis runs the analyzers of layers: in a pool of confined child processes of this program, with the
// rules of a folder and, if there is one, clamd as the second engine for malware.
package analysis

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/secret"
	"plimsoll/app/ruleset"
	"plimsoll/outbound"
	"plimsoll/sandbox"
	"plimsoll/scan"
)

// Config is how layers are analysed.
type Config struct {
	Folder  string         // of rules for malware; "" = only those of every build
	Files   []all.RuleFile // instead of Folder, unless nil
	Without []string       // kinds of findings that are not searched for, of all.Optional
	Budget  plimsoll.Budget
	TempDir string // for temporary files of children; "" = the system's

	Clamd        string // address of the second engine, as clamd.ParseAddress reads it; "" = none
	ClamdMaxFile int64  // bytes of the largest file that clamd is sent

	// Policy returns the policy for connections with further host:port addresses allowed. Required if Clamd is a TCP address.
	Policy func(alsoAllow ...string) (outbound.Policy, error)

	// InProcess analyses in this process, without confinement: for debugging only.
	InProcess bool

	Logger *slog.Logger
}

// Analysis is the analyzers and the children that run them. Nothing is loaded before Start.
type Analysis struct {
	config    Config
	second    *secondEngine      // after Start; nil = none
	settings  all.Config         // complete after load
	analyzers []analyze.Analyzer // after load
	secrets   *secret.Analyzer   // after load; among analyzers, unless it was left out
	options   sandbox.Options
	pool      *sandbox.Pool // nil before Start, and if layers are analysed in this process
}

// inProcessVariable is the environment variable that callers read InProcess from; the warning names it.
const inProcessVariable = "PLIMSOLL_IN_PROCESS"

// New prepares to analyse layers.
func New(c Config) *Analysis {
	a := &Analysis{config: c, settings: all.Config{Without: c.Without, Rules: c.Files}, options: sandbox.Options{
		Command: []string{"", ChildCommand}, Limits: sandbox.DefaultLimits(c.Budget),
		Stall: c.Budget.Stall, Temp: c.TempDir, Logger: c.Logger,
	}}
	if c.InProcess {
		c.Logger.Warn("layers are analysed in this process, without confinement", "because", inProcessVariable)
	}
	return a
}

// Start loads the rules and makes the pool for this many layers at once. Only the first call has an effect.
func (a *Analysis) Start(layers int) (err error) {
	if a.second == nil && !slices.Contains(a.settings.Without, malware.Name) {
		if a.second, err = newSecondEngine(a.config, layers); err != nil {
			return err
		}
		a.settings.Second = a.second != nil
	}
	if err := a.load(); err != nil {
		return err
	}
	if !a.config.InProcess && a.pool == nil {
		a.options.Size = layers
		if a.second != nil {
			a.options.AnswerQueries = a.second.answerQueries
		}
		a.pool = sandbox.New(a.options)
	}
	return nil
}

// heapOfRules is how many bytes of memory a byte of rules may take when it is compiled. Measured with 3,116
// published YARA rules: 12.
const heapOfRules = 16

// load reads the files of rules. This process learns the analyzers' names; the rules themselves
// are compiled where they are used.
func (a *Analysis) load() (err error) {
	if a.analyzers != nil {
		return nil
	}
	if a.settings.Rules == nil && !slices.Contains(a.settings.Without, malware.Name) {
		if a.settings.Rules, err = ruleset.ReadFolder(a.config.Folder); err != nil {
			return err
		}
	}
	analyzers, err := a.newAnalyzers()
	if err != nil {
		return err
	}
	a.secrets = secretAnalyzer(analyzers)
	if a.options.Identity, err = identityOf(analyzers); err != nil {
		return err
	}
	if a.options.Config, err = json.Marshal(a.settings); err != nil {
		return err
	}
	for _, f := range a.settings.Rules {
		a.options.Limits.Heap += heapOfRules * int64(len(f.Data))
		a.options.Limits.Memory += 2 * heapOfRules * int64(len(f.Data))
	}
	a.analyzers = analyzers
	return nil
}

// newAnalyzers makes the analyzers, or only what has their names if children run them.
func (a *Analysis) newAnalyzers() ([]analyze.Analyzer, error) {
	if !a.config.InProcess {
		return all.Names(a.settings)
	}
	signatures, _, err := all.Signatures(a.settings)
	if err != nil {
		return nil, err
	}
	if a.second != nil {
		signatures.Second = a.second.client
	}
	return all.With(a.settings, signatures)
}

// secretAnalyzer finds the analyzer for secrets, or makes one where it was left out: configs are
// redacted in any case.
func secretAnalyzer(analyzers []analyze.Analyzer) *secret.Analyzer {
	for _, a := range analyzers {
		if a, ok := a.(*secret.Analyzer); ok {
			return a
		}
	}
	return secret.NewAnalyzer()
}

// SecretTitles returns what the rules for secrets find, by rule id. Call it after Start.
func (a *Analysis) SecretTitles() map[string]string {
	out := map[string]string{}
	for _, r := range a.secrets.Rules() {
		out[r.ID] = r.Title
	}
	return out
}

// Redact removes secrets from the config of an image, by the rules for secrets. Call it after Start.
func (a *Analysis) Redact() func(plimsoll.ImageConfig) plimsoll.ImageConfig { return a.secrets.Redact }

// ConfigureInspector makes an inspector use the analyzers, for this many layers at once. It calls Start.
func (a *Analysis) ConfigureInspector(inspector *scan.Inspector, layers int) error {
	if err := a.Start(layers); err != nil {
		return err
	}
	inspector.Analyzers, inspector.Redact = a.analyzers, a.secrets.Redact
	if a.second != nil {
		inspector.ExternalVersions = map[string]func(context.Context) (string, error){malware.Name: a.second.version}
	}
	if !a.config.InProcess {
		inspector.Pass = scan.ConfinedPass(a.pool.Run)
		return nil
	}
	set, err := analyze.NewSet(a.analyzers)
	inspector.Pass = scan.PassWith(set)
	return err
}

// Pass analyses one layer, outside of any image. Call it after Start.
func (a *Analysis) Pass(ctx context.Context, layer io.Reader) (scan.PassResult, error) {
	pass := scan.Pass
	if !a.config.InProcess {
		pass = scan.ConfinedPass(a.pool.Run)
	}
	return pass(ctx, layer, scan.PassRequest{Analyzers: a.analyzers, Budget: a.config.Budget})
}

// Fingerprint identifies the analyzers, their rules and the version of the second engine: with another one, a scan may
// find something else. Call it after Start.
func (a *Analysis) Fingerprint(ctx context.Context) (analyzers []byte, second string) {
	if a.second != nil {
		// An incomplete result is not kept, so nothing is found under the name of an unknown version.
		second, _ = a.second.version(ctx)
	}
	return a.options.Identity, second
}

// Describe returns the result of loading each file of rules: first those of every build, then those of the folder.
func (a *Analysis) Describe(ctx context.Context) (embedded, folder []all.RuleSet, err error) {
	var sets []all.RuleSet
	if a.config.InProcess {
		_, sets, err = all.Signatures(a.settings)
	} else {
		sets, err = a.describeInChild(ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	return sets[:embeddedFiles], sets[embeddedFiles:], nil
}

// embeddedFiles is how many files of every build come first in what all.Signatures returns.
const embeddedFiles = 2

func (a *Analysis) describeInChild(ctx context.Context) (sets []all.RuleSet, err error) {
	answer, err := a.pool.Run(ctx, []byte(describeRules), strings.NewReader(""), nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, &sets); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Internal, "read what became of the rules: %w", err)
	}
	return sets, nil
}

// LogProblems logs that some rules of the folder cannot be used, and that the second engine does not answer. It is an
// error if the second engine must not be connected to.
func (a *Analysis) LogProblems(ctx context.Context) error {
	if a.second != nil {
		if err := a.second.logProblem(ctx); err != nil {
			return err
		}
	}
	if len(a.settings.Rules) == 0 {
		return nil // those of every build are tested
	}
	embedded, folder, err := a.Describe(ctx)
	if err != nil {
		return err
	}
	if loaded, refused := CountRules(slices.Concat(embedded, folder)); refused > 0 {
		a.options.Logger.WarnContext(ctx, "some rules cannot be used; `plimsoll rules list --refused` tells why", "refused", refused, "loaded", loaded, "folder", a.config.Folder)
	}
	return nil
}

// CountRules adds up the rules of sets.
func CountRules(sets []all.RuleSet) (loaded, refused int) {
	for _, s := range sets {
		loaded, refused = loaded+s.Loaded, refused+s.Refused
	}
	return loaded, refused
}

// StartChild starts the first child, so that the first layer does not wait for it.
func (a *Analysis) StartChild(ctx context.Context) error {
	if a.pool == nil {
		return nil
	}
	return a.pool.Warm(ctx)
}

// Close ends every child. A nil Analysis has none.
func (a *Analysis) Close() error {
	if a == nil {
		return nil
	}
	var err error
	if a.pool != nil {
		err = a.pool.Close()
	}
	if a.second != nil {
		a.second.client.Close()
	}
	return err
}
