// Package imagescan looks inside one image without an inventory: it reads the image, judges it by the advisories of
// the data directory, and keeps what it found in the layers for the next scan.
package imagescan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/app"
	"plimsoll/app/analysis"
	"plimsoll/manifest"
	"plimsoll/scan"
	"plimsoll/store/layers"
	"plimsoll/store/sqlite"
)

// Options is one scan. Config.Without leaves out kinds of findings.
type Options struct {
	Source     Source
	Parallel   int  // layers read at once; 0 = one per core, at most 4
	NoCache    bool // analyse every layer, and keep nothing
	AllSecrets bool // list secrets of every file; false leaves out those of plimsoll.DefaultSecretProfile

	// Program identifies the build: a scan by another one is not reused.
	Program string

	// Progress is called with the number of layers that are done; nil = not called.
	Progress func(image string, done, total int)
}

// Scan looks inside one image. failure is why some part of it could not be looked at: result has the rest. err means
// that there is no result.
func Scan(ctx context.Context, c app.Config, o Options) (result Result, failure, err error) {
	src, name, digest, err := openSource(ctx, c, o.Source)
	if err != nil {
		return result, nil, err
	}
	defer src.Close() //nolint:errcheck // only read from
	advisories, err := sqlite.Advisories(ctx, c.AdvisoriesFile())
	if err != nil {
		return result, nil, err
	}
	defer advisories.Close() //nolint:errcheck // only read from
	status, err := advisories.Status(ctx)
	if err != nil {
		return result, nil, err
	}
	status.Judge(c.StaleAfter)
	if o.Parallel <= 0 {
		o.Parallel = min(runtime.NumCPU(), 4)
	}
	s, err := newScanner(ctx, c, o, src, name, advisories)
	if err != nil {
		return result, nil, err
	}
	defer s.close()
	artifact, record, failure := s.inspect(ctx, digest, o.Source.Platform)
	if ctx.Err() != nil {
		return result, nil, ctx.Err()
	}
	if failure != nil && len(record.Settings) == 0 {
		return result, nil, failure // nothing was looked at
	}
	result = newResult(name, artifact, record, status, failure)
	result.Without = c.Without
	if !o.AllSecrets {
		result.excludeSecrets(plimsoll.DefaultSecretProfile())
	}
	return result, failure, nil
}

// maxCache bounds what scans keep, in bytes.
const maxCache = 1 << 30

// scanner looks inside one image, with what is known from earlier scans.
type scanner struct {
	src       scan.Source
	isFile    bool // the source is a file: what it contains must be verified each time
	analysis  *analysis.Analysis
	inspector *scan.Inspector
	cache     *layers.Cache // nil = none
	program   string        // identifies everything that a scan depends on
	logger    *slog.Logger
}

func newScanner(ctx context.Context, c app.Config, o Options, src scan.Source, name string, advisories scan.Advisories) (*scanner, error) {
	s := &scanner{
		src: src, isFile: o.Source.Reference == "", analysis: c.NewAnalysis(""), logger: c.Logger,
	}
	s.inspector = &scan.Inspector{
		Reports: scan.Memory{}, Advisories: advisories, Kinds: all.KindsOf(all.KindConfig{CountDeclared: c.CountDeclared}),
		Budget: c.Budget, Parallel: o.Parallel, Now: time.Now,
		Progress: func(done, total int) {
			if o.Progress != nil {
				o.Progress(name, done, total)
			}
		},
	}
	err := s.analysis.ConfigureInspector(s.inspector, o.Parallel)
	if err == nil {
		err = s.analysis.LogProblems(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.analysis.Close())
	}
	if !o.NoCache {
		s.openCache(ctx, c, o)
	}
	return s, nil
}

// openCache opens the cache if that is possible: a scan works without it.
func (s *scanner) openCache(ctx context.Context, c app.Config, o Options) {
	program, err := s.programID(ctx, c, o)
	var cache *layers.Cache
	if err == nil {
		cache, err = sqlite.Cache(ctx, c.File("layers.db"))
	}
	if err != nil {
		s.logger.WarnContext(ctx, "scanning without a cache", "error", err)
		return
	}
	s.cache, s.program, s.inspector.Reports = cache, program, cache
}

// programID identifies the build, sets of rules, second engine and budget: with others, a scan may find something else.
func (s *scanner) programID(ctx context.Context, c app.Config, o Options) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Stat(self)
	if err != nil {
		return "", err
	}
	analyzers, second := s.analysis.Fingerprint(ctx)
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d %s %q %q %+v %t", o.Program, file.Size(), file.ModTime().UnixNano(), analyzers, second, o.Source.Platform, c.Budget, c.CountDeclared)
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (s *scanner) close() {
	s.analysis.Close() //nolint:errcheck // it only ends processes
	if s.cache != nil {
		s.cache.Close() //nolint:errcheck // what was kept is committed
	}
}

// inspect looks inside the image at a digest, or its member for the platform. A record that
// comes with an error has what could be found in spite of it.
func (s *scanner) inspect(ctx context.Context, digest plimsoll.Digest, platform plimsoll.Platform) (plimsoll.Artifact, plimsoll.ScanRecord, error) {
	// What is known is shown and gone: collecting its garbage would take longer than the rest.
	collect := debug.SetGCPercent(400)
	known, ok := s.knownScan(ctx, digest)
	if ok {
		record, err := s.inspector.Rejudge(ctx, known.Record)
		return known.Artifact, record, err
	}
	debug.SetGCPercent(collect)
	artifact, err := choosePlatform(ctx, s.src, digest, platform)
	if err != nil {
		return artifact, plimsoll.ScanRecord{}, err
	}
	target, err := s.inspector.Complete(ctx, scan.Target{Artifact: artifact, Prove: s.isFile}, s.src)
	artifact = target.Artifact
	if err != nil {
		return artifact, plimsoll.ScanRecord{}, err
	}
	record, err := s.inspector.Inspect(ctx, target, s.src)
	if err == nil {
		s.keepScan(ctx, digest, layers.Scanned{Artifact: artifact, Record: record})
	}
	return artifact, record, err
}

// knownScan returns an earlier scan of the same content. The name of a file proves nothing about its content.
func (s *scanner) knownScan(ctx context.Context, digest plimsoll.Digest) (layers.Scanned, bool) {
	if s.cache == nil || s.isFile {
		return layers.Scanned{}, false
	}
	known, ok, err := s.cache.Scan(ctx, digest, s.program)
	if err != nil {
		s.logger.WarnContext(ctx, "an earlier scan could not be read", "error", err)
	}
	return known, ok && err == nil
}

func (s *scanner) keepScan(ctx context.Context, digest plimsoll.Digest, scanned layers.Scanned) {
	if s.cache == nil || s.isFile {
		return
	}
	scanned.Artifact.Layers = manifest.StorableLayers(scanned.Artifact.Layers)
	err := s.cache.KeepScan(ctx, digest, s.program, scanned)
	if err == nil {
		err = s.cache.Prune(ctx, maxCache)
	}
	if err != nil {
		s.logger.WarnContext(ctx, "this scan could not be kept for the next", "error", err)
	}
}

// Optional lists the kinds of findings that Config.Without may leave out.
func Optional() []string { return all.Optional() }
