package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/scan"
	"plimsoll/store/layers"
	"plimsoll/store/sqlite"
)

// maxCache bounds what scans without a server keep, in bytes.
const maxCache = 1 << 30

// singleScan looks inside one image, with what is known from earlier scans.
type singleScan struct {
	*app
	src       scan.Source
	local     bool // the source is a file: what it claims to hold must be proven again
	analysis  *analysis
	inspector *scan.Inspector
	progress  *progress
	stage     string
	cache     *layers.Cache // nil = none
	program   string
}

func (a *app) singleScan(ctx context.Context, src scan.Source, advisories scan.Advisories, o scanOptions) (*singleScan, error) {
	analysis := a.analysis("", o.without...)
	s := &singleScan{app: a, src: src, local: o.archive != "" || o.layout != "", analysis: analysis, progress: a.progress()}
	s.inspector = &scan.Inspector{
		Reports: scan.Memory{}, Advisories: advisories, Kinds: all.Kinds(),
		Budget: a.limits(), Parallel: o.parallel, Now: time.Now,
		Progress: func(done, total int) { s.progress.stage(s.stage, fmt.Sprintf("%d of %d layers", done, total)) },
	}
	err := analysis.equip(s.inspector, o.parallel)
	if err == nil {
		err = analysis.warn(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, analysis.Close())
	}
	if !o.noCache {
		s.openCache(ctx, o.platform)
	}
	return s, nil
}

// openCache takes the cache if there can be one: a scan does without it rather than fail.
func (s *singleScan) openCache(ctx context.Context, platform string) {
	program, err := s.programID(ctx, platform)
	var cache *layers.Cache
	if err == nil {
		cache, err = sqlite.Cache(ctx, s.dataFile("layers.db"))
	}
	if err != nil {
		s.logger().WarnContext(ctx, "scanning without a cache", "error", err)
		return
	}
	s.cache, s.program, s.inspector.Reports = cache, program, cache
}

// programID tells builds, sets of rules, second engines and budgets apart, by which a scan would find something else.
func (s *singleScan) programID(ctx context.Context, platform string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Stat(self)
	if err != nil {
		return "", err
	}
	second := ""
	if engine := s.analysis.second; engine != nil {
		// What was not complete is not kept, so nothing is found under the name of an unknown version.
		second, _ = engine.version(ctx)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%+v %d %d %s %q %q %+v", readBuild(), file.Size(), file.ModTime().UnixNano(), s.analysis.options.Identity, second, platform, s.limits())
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (s *singleScan) close() {
	s.analysis.Close() //nolint:errcheck // it only ends processes
	if s.cache != nil {
		s.cache.Close() //nolint:errcheck // what was kept is committed
	}
}

// run looks inside the image at a digest, or at its member for the platform. A record that
// comes with an error holds what could be found all the same.
func (s *singleScan) run(ctx context.Context, digest plimsoll.Digest, platform plimsoll.Platform, name string) (plimsoll.Artifact, plimsoll.ScanRecord, error) {
	// What is known is shown and gone: collecting its garbage would take longer than the rest.
	collect := debug.SetGCPercent(400)
	known, ok := s.known(ctx, digest)
	if ok {
		record, err := s.inspector.Rejudge(ctx, known.Record)
		return known.Artifact, record, err
	}
	debug.SetGCPercent(collect)
	artifact, err := pick(ctx, s.src, digest, platform)
	if err != nil {
		return artifact, plimsoll.ScanRecord{}, err
	}
	s.stage = "scan " + name
	defer s.progress.done()
	target, err := s.inspector.Complete(ctx, scan.Target{Artifact: artifact, Prove: s.local}, s.src)
	artifact = target.Artifact
	if err != nil {
		return artifact, plimsoll.ScanRecord{}, err
	}
	record, err := s.inspector.Inspect(ctx, target, s.src)
	if err == nil {
		s.keep(ctx, digest, layers.Scanned{Artifact: artifact, Record: record})
	}
	return artifact, record, err
}

// known returns an earlier scan of the same content. A file proves nothing by its name for it.
func (s *singleScan) known(ctx context.Context, digest plimsoll.Digest) (layers.Scanned, bool) {
	if s.cache == nil || s.local {
		return layers.Scanned{}, false
	}
	known, ok, err := s.cache.Scan(ctx, digest, s.program)
	if err != nil {
		s.logger().WarnContext(ctx, "an earlier scan could not be read", "error", err)
	}
	return known, ok && err == nil
}

func (s *singleScan) keep(ctx context.Context, digest plimsoll.Digest, scanned layers.Scanned) {
	if s.cache == nil || s.local {
		return
	}
	err := s.cache.KeepScan(ctx, digest, s.program, scanned)
	if err == nil {
		err = s.cache.Prune(ctx, maxCache)
	}
	if err != nil {
		s.logger().WarnContext(ctx, "this scan could not be kept for the next", "error", err)
	}
}
