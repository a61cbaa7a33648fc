package scan

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
	"plimsoll/manifest"
	"plimsoll/match"
)

// Source is an image's bytes, wherever they come from. Implementations prove digests and sizes.
type Source interface {
	// Manifest returns a manifest by digest, bounded.
	Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error)
	// Blob returns a blob; reading to the end proves its digest and size.
	Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error)
}

// Reports keeps layer reports by content and knows which a tenant may reuse.
type Reports interface {
	// MissingLayers returns the indexes of layers that must be fetched.
	MissingLayers(ctx context.Context, t plimsoll.Tenant, shared bool, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID) ([]int, error)
	LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error)
	SaveLayer(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) error
}

// Advisories supplies what packages are held against.
type Advisories interface {
	Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error)
}

// Inspector looks inside images.
type Inspector struct {
	Reports    Reports
	Advisories Advisories
	Analyzers  []analyze.Analyzer
	Checks     []analyze.Check
	Budget     plimsoll.Budget
	Parallel   int // layers of one image that are read at once
	Now        func() time.Time

	// Redact masks secrets in configs before they are shown; nil masks nothing.
	Redact manifest.Redactor

	// Sealer seals password hashes, for lists of projects; without one they are dropped.
	Sealer Sealer

	// Pass, if set, is what reads a blob instead of Pass in this process: see ConfinedPass.
	Pass func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error)

	// Outside, by the name of an analyzer, tells the version of what that one asks beside its own rules, such as the
	// database of a daemon. It is part of the analyzer's version, and asked for each image.
	Outside map[string]func(context.Context) (version string, err error)

	// Progress, if set, is told of each layer that was read or reused.
	Progress func(done, total int)

	flights flights
}

// Target is one image to inspect.
type Target struct {
	plimsoll.Tenant
	Artifact plimsoll.Artifact
	Shared   bool // reports of layers may be reused without proof of bytes

	// Prove has blobs read to their end, which proves their digests, even where their reports
	// are known: what a file claims to hold is nobody's word yet.
	Prove bool

	// config is what the image's config says, before anything was taken out of it; nil = it was not read.
	config *plimsoll.ImageConfig

	analyzers versions // of this inspection
}

// Inspect looks inside one image. The error, if any, carries a failure code; a record
// that is returned with an error holds what could be found all the same.
func (s *Inspector) Inspect(ctx context.Context, target Target, src Source) (plimsoll.ScanRecord, error) {
	record := plimsoll.ScanRecord{Tenant: target.Tenant, Digest: target.Artifact.Digest, Matcher: match.Version}
	target, err := s.Complete(ctx, target, src)
	if err != nil {
		return record, err
	}
	target.analyzers = s.versions(ctx)
	config, err := s.config(ctx, target, src)
	if err != nil {
		return record, err
	}
	reports, fetched, err := s.layers(ctx, target, src)
	if err != nil {
		return record, err
	}
	if fetched > 0 || len(target.Artifact.Layers) == 0 {
		record.ScannedAt = s.Now()
	}
	return s.judge(ctx, record, target.Artifact, reports, config)
}

// Complete reads manifest and config again where what is stored of the artifact is not enough. The
// target holds on to the config then, so that Inspect need not read it once more.
func (s *Inspector) Complete(ctx context.Context, target Target, src Source) (Target, error) {
	if target.Artifact.Settings != nil {
		return target, nil
	}
	mediaType, raw, err := src.Manifest(ctx, target.Artifact.Digest)
	if err != nil {
		return target, err
	}
	a, err := manifest.Parse(mediaType, raw, s.Budget)
	if err != nil {
		return target, err
	}
	if a.Kind != plimsoll.KindImage {
		code := plimsoll.FailureUnknown
		if a.Kind == plimsoll.KindSchema1 {
			code = plimsoll.FailureSchema1
		}
		return target, plimsoll.Fail(code, plimsoll.Errorf(plimsoll.Invalid, "%s is not an image but %s", a.Digest.Short(), a.Kind))
	}
	config, err := s.readConfig(ctx, a.Config, src)
	if err != nil {
		return target, err
	}
	target.config = &config
	target.Artifact, err = manifest.WithConfig(a, s.Redact.Masked(config))
	return target, err
}

// layers returns every layer's reports, bottom first, and how many blobs were fetched.
func (s *Inspector) layers(ctx context.Context, target Target, src Source) ([][]plimsoll.LayerReport, int, error) {
	layers := target.Artifact.Layers
	ids := target.analyzers.ids
	missing, err := s.Reports.MissingLayers(ctx, target.Tenant, target.Shared, layers, ids)
	if err != nil {
		return nil, 0, err
	}
	if target.Prove {
		if err := s.prove(ctx, layers, missing, src); err != nil {
			return nil, 0, err
		}
	}
	fresh, err := s.fetch(ctx, target, src, missing)
	if err != nil {
		return nil, 0, err
	}
	var known []plimsoll.Digest
	for _, l := range layers {
		if fresh[l.Digest] == nil {
			known = append(known, l.DiffID)
		}
	}
	stored, err := s.Reports.LayerReports(ctx, known, ids)
	if err != nil {
		return nil, 0, err
	}
	out := make([][]plimsoll.LayerReport, len(layers))
	for i, l := range layers {
		if out[i] = fresh[l.Digest]; out[i] == nil {
			out[i] = stored[l.DiffID]
		}
	}
	return out, len(fresh), nil
}

// prove reads the blobs that are not missing.
func (s *Inspector) prove(ctx context.Context, layers []plimsoll.Layer, missing []int, src Source) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, s.Parallel))
	for i, l := range layers {
		if slices.Contains(missing, i) {
			continue
		}
		group.Go(func() error {
			blob, err := src.Blob(ctx, l.Descriptor)
			if err != nil {
				return err
			}
			defer blob.Close() //nolint:errcheck // read to its end
			_, err = io.Copy(io.Discard, blob)
			return err
		})
	}
	return group.Wait()
}

// Rejudge holds a record's packages against the advisories anew.
func (s *Inspector) Rejudge(ctx context.Context, record plimsoll.ScanRecord) (plimsoll.ScanRecord, error) {
	record.Judgements, record.Matcher = []plimsoll.Judgement{}, match.Version
	for _, set := range record.Sets {
		judgement, err := judgeSet(ctx, s.Advisories, set.PackageSet)
		if err != nil {
			return record, plimsoll.Fail(plimsoll.FailureMatch, err)
		}
		record.Judgements = append(record.Judgements, judgement)
	}
	return record, nil
}

// fetch reads the missing blobs, several at once and each once, and saves their reports one by one.
func (s *Inspector) fetch(ctx context.Context, target Target, src Source, missing []int) (map[plimsoll.Digest][]plimsoll.LayerReport, error) {
	var mu sync.Mutex
	var unpacked atomic.Int64
	fresh := make(map[plimsoll.Digest][]plimsoll.LayerReport, len(missing))
	layers := target.Artifact.Layers
	total, done := len(layers), len(layers)-len(missing)
	s.progress(done, total)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, s.Parallel))
	started := map[plimsoll.Digest]bool{}
	for _, i := range missing {
		l := layers[i]
		if started[l.Digest] {
			continue
		}
		started[l.Digest] = true
		group.Go(func() error {
			key := flightKey{target.ProjectID, l.Digest, l.DiffID, target.analyzers.key()}
			reports, err := s.flights.do(ctx, key, func() ([]plimsoll.LayerReport, error) { return s.fetchLayer(ctx, target, l, src, &unpacked) })
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			fresh[l.Digest] = reports
			done++
			s.progress(done, total)
			return nil
		})
	}
	return fresh, group.Wait()
}

// fetchLayer reads a layer and saves its reports, unless another scan did since this one asked
// what is missing.
func (s *Inspector) fetchLayer(ctx context.Context, target Target, l plimsoll.Layer, src Source, unpacked *atomic.Int64) ([]plimsoll.LayerReport, error) {
	ids := target.analyzers.ids
	missing, err := s.Reports.MissingLayers(ctx, target.Tenant, target.Shared, []plimsoll.Layer{l}, ids)
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 {
		stored, err := s.Reports.LayerReports(ctx, []plimsoll.Digest{l.DiffID}, ids)
		return stored[l.DiffID], err
	}
	reports, err := s.layer(ctx, l, src, unpacked)
	if err != nil {
		return nil, fmt.Errorf("layer %s: %w", l.Digest.Short(), err)
	}
	target.analyzers.name(reports)
	return reports, s.Reports.SaveLayer(ctx, target.Tenant, l.Digest, l.DiffID, reports)
}

func (s *Inspector) progress(done, total int) {
	if s.Progress != nil {
		s.Progress(done, total)
	}
}

// layer passes over one blob. A hard link whose name an analyzer wants, but whose
// content went by under another name, makes it read the blob once more.
func (s *Inspector) layer(ctx context.Context, l plimsoll.Layer, src Source, unpacked *atomic.Int64) ([]plimsoll.LayerReport, error) {
	request := PassRequest{
		MediaType: l.MediaType, CompressedSize: l.Size, Analyzers: s.Analyzers,
		Budget: s.Budget, Unpacked: unpacked,
	}
	result, err := s.pass(ctx, l, src, request)
	if err == nil && len(result.NeedAliases) > 0 {
		request.Aliases = result.NeedAliases
		result, err = s.pass(ctx, l, src, request)
	}
	if err != nil {
		return nil, err
	}
	if result.DiffID != l.DiffID {
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid,
			"its content is %s but the config claims diff ID %s", result.DiffID.Short(), l.DiffID.Short()))
	}
	return result.Reports, s.sealHashes(result.Reports)
}

func (s *Inspector) pass(ctx context.Context, l plimsoll.Layer, src Source, request PassRequest) (PassResult, error) {
	blob, err := src.Blob(ctx, l.Descriptor)
	if err != nil {
		return PassResult{}, err
	}
	defer blob.Close() //nolint:errcheck // read to its end
	pass := s.Pass
	if pass == nil {
		pass = Pass
	}
	result, err := pass(ctx, blob, request)
	if plimsoll.FailureOf(err) != plimsoll.FailureLayer {
		return result, err
	}
	// Bytes that are no archive may be none of the image's: the rest of the blob tells.
	if _, lie := io.CopyN(io.Discard, blob, s.Budget.ImageUnpacked); plimsoll.FailureOf(lie) == plimsoll.FailureDownload {
		return result, lie
	}
	return result, err
}

// judge folds the layers, runs the checks and holds the packages against the advisories.
func (s *Inspector) judge(ctx context.Context, record plimsoll.ScanRecord, a plimsoll.Artifact, reports [][]plimsoll.LayerReport, config []plimsoll.LayerReport) (plimsoll.ScanRecord, error) {
	folded, err := layer.Fold(reports, s.Budget)
	if err != nil {
		return record, err
	}
	addConfig(&folded, config)
	facts := analyze.Image{
		Config: a.Settings, Release: folded.Release, Accounts: folded.Accounts, Configs: folded.Configs,
		Modes:    folded.Modes,
		Failures: fileFailures(folded.Failures),
	}
	record.Facts = &plimsoll.ImageFacts{Release: folded.Release, Files: folded.Files}
	record.Malware = append([]plimsoll.Malware{}, folded.Malware...)
	record.Secrets = append([]plimsoll.Secret{}, folded.Secrets...)
	for _, check := range s.Checks {
		record.Settings = append(record.Settings, check.Run(facts))
	}
	for _, file := range folded.Accounts {
		if file.From.Passwords > 0 {
			record.Accounts = append(record.Accounts, file.From)
		}
	}
	record.Sets = append([]plimsoll.PlacedSet{}, sets(folded)...)
	if record, err = s.Rejudge(ctx, record); err != nil {
		return record, err
	}
	return record, failed(folded.Failures)
}

func judgeSet(ctx context.Context, advisories Advisories, set plimsoll.PackageSet) (plimsoll.Judgement, error) {
	evidence, err := advisories.Evidence(ctx, match.Keys(set.Packages))
	if err != nil {
		return plimsoll.Judgement{}, err
	}
	return match.Judge(set.Packages, evidence), nil
}
