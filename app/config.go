package app

import (
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware/clamd"
	"plimsoll/app/analysis"
	"plimsoll/outbound"
)

// Config is the settings of a site, and of commands that work without one.
type Config struct {
	Data    string // data directory; created on first use
	Project string // name or id of the project that the command line works on; "" = the first

	Budget     plimsoll.Budget
	StaleAfter time.Duration // age from which advisories count as stale; 0 = never

	AllowHosts []string // host:port with a loopback or private address that may be connected to
	CAFile     string   // PEM file of further certificate authorities; "" = none

	Rules        string   // folder of rules for malware; "" = RulesFolder decides
	Without      []string // kinds of findings that are not searched for
	Clamd        string   // address of the second engine for malware; "" = none
	ClamdMaxFile int64    // bytes of the largest file that clamd is sent
	InProcess    bool     // analyse without confined children: for debugging only

	// CountDeclared counts packages that only a lock file names like installed ones. It acts on images when they are scanned.
	CountDeclared bool

	Logger *slog.Logger
}

// kinds returns the settings of kinds of findings.
func (c Config) kinds() all.KindConfig { return all.KindConfig{CountDeclared: c.CountDeclared} }

// DefaultConfig has the default budget, counts advisories as stale after five days (longer than a long weekend), and logs nothing. Data is not set.
func DefaultConfig() Config {
	return Config{
		Budget:       plimsoll.DefaultBudget(),
		StaleAfter:   5 * 24 * time.Hour,
		ClamdMaxFile: clamd.DefaultConfig().MaxFile,
		Logger:       slog.New(slog.DiscardHandler),
	}
}

// DefaultData is the user's data directory: below XDG_DATA_HOME, else where the platform has such directories. env
// looks up an environment variable.
func DefaultData(env func(name string) (string, bool)) (string, error) {
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

// Check rejects settings that nothing can work with.
func (c Config) Check() error {
	b := c.Budget
	if min(b.ImageUnpacked, b.WantedFile, int64(b.LayerEntries), b.Ratio, int64(b.Layers), int64(b.Stall)) <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "a bound of the scan is not above zero").
			WithHint("see --max-unpacked, --max-file, --max-entries, --max-ratio, --max-layers and --stall")
	}
	if c.Clamd == "" {
		return nil
	}
	if c.ClamdMaxFile <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--clamd-max-file is not above zero")
	}
	_, _, err := clamd.ParseAddress(c.Clamd)
	return err
}

// The files of a data directory that this package names.
const (
	inventoryFile  = "plimsoll.db"
	advisoriesFile = "advisories.db"
	sealFile       = "seal.key"
)

// File is a path in the data directory, which it creates.
func (c Config) File(name string) string {
	_ = os.MkdirAll(c.Data, 0o700) // opening the file reports it if this failed
	return filepath.Join(c.Data, name)
}

// AdvisoriesFile is the path of the advisories of the data directory.
func (c Config) AdvisoriesFile() string { return c.File(advisoriesFile) }

// SealFile is the path of the sealing key of the data directory.
func (c Config) SealFile() string { return c.File(sealFile) }

// OwnRules is the folder of rules in the data directory. It may not exist.
func (c Config) OwnRules() string { return filepath.Join(c.Data, "rules") }

// RulesFolder is the configured folder of rules, else OwnRules if that exists, else "".
func (c Config) RulesFolder() string {
	if c.Rules != "" {
		return c.Rules
	}
	if info, err := os.Stat(c.OwnRules()); err != nil || !info.IsDir() {
		return ""
	}
	return c.OwnRules()
}

// freshTemp empties the directory for temporary files: a process that died may have left some.
// The caller holds the lock of the data directory.
func (c Config) freshTemp() (string, error) {
	dir := filepath.Join(c.Data, "tmp")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "directory for temporary files: %w", err)
	}
	return filepath.Abs(dir)
}

// NewAnalysis prepares to analyse layers. tempDir is where children keep temporary files; "" = the system's directory.
func (c Config) NewAnalysis(tempDir string) *analysis.Analysis {
	return analysis.New(c.analysisConfig(tempDir))
}

func (c Config) analysisConfig(tempDir string) analysis.Config {
	return analysis.Config{
		Folder: c.RulesFolder(), Without: c.Without, Budget: c.Budget, TempDir: tempDir,
		Clamd: c.Clamd, ClamdMaxFile: c.ClamdMaxFile, Policy: c.Policy, InProcess: c.InProcess, Logger: c.Logger,
	}
}

// Policy is the policy for connections, with further addresses allowed.
func (c Config) Policy(alsoAllow ...string) (outbound.Policy, error) {
	policy := outbound.Policy{Allow: append(append([]string{}, c.AllowHosts...), alsoAllow...), Proxy: http.ProxyFromEnvironment}
	if err := policy.Validate(); err != nil {
		return policy, err
	}
	var err error
	policy.RootCAs, err = c.Roots()
	return policy, err
}

// transport connects to registries under the policy, with further addresses allowed.
func (c Config) transport(alsoAllow ...string) (http.RoundTripper, error) {
	policy, err := c.Policy(alsoAllow...)
	return policy.Transport(), err
}

// Roots are the system's certificate authorities and those of CAFile; nil without CAFile.
func (c Config) Roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "certificate authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "certificate authorities: %s holds no PEM certificate", c.CAFile)
	}
	return roots, nil
}
