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
	"plimsoll/manifest"
	"plimsoll/match"
)

// Source provides the bytes of images. Implementations verify digests and sizes.
type Source interface {
	// Manifest returns a manifest by digest; its size is bounded.
	Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error)
	// Blob returns a blob; reading it to the end verifies its digest and size.
	Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error)
}

// Reports stores layer reports by content, and knows which of them a tenant may reuse.
type Reports interface {
	// MissingLayers returns the indexes of the layers that must be fetched, because a report is missing or
	// the tenant may not reuse it.
	MissingLayers(ctx context.Context, t plimsoll.Tenant, shared bool, layers []plimsoll.Layer, analyzers []plimsoll.AnalyzerID) ([]int, error)
	LayerReports(ctx context.Context, diffIDs []plimsoll.Digest, analyzers []plimsoll.AnalyzerID) (map[plimsoll.Digest][]plimsoll.LayerReport, error)
	SaveLayer(ctx context.Context, t plimsoll.Tenant, blob, diffID plimsoll.Digest, reports []plimsoll.LayerReport) error
}

// Advisories returns the advisories that packages are compared with.
type Advisories interface {
	Evidence(ctx context.Context, keys []plimsoll.AdvisoryKey) (plimsoll.Evidence, error)
}

// Inspector inspects images.
type Inspector struct {
	Reports    Reports
	Advisories Advisories
	Analyzers  []analyze.Analyzer
	Kinds      []analyze.Kind // of findings, in the order in which they are folded
	Budget     plimsoll.Budget
	Parallel   int // layers of one image that are read at the same time
	Now        func() time.Time

	// Redact masks secrets in configs before they are shown or stored; nil masks nothing.
	Redact manifest.Redactor

	// Sealer seals password hashes, for projects' password lists; if nil, hashes are dropped.
	Sealer Sealer

	// Pass, if set, reads a blob instead of the function Pass in this process: see ConfinedPass.
	Pass func(ctx context.Context, r io.Reader, req PassRequest) (PassResult, error)

	// ExternalVersions, by name of an analyzer, return the version of an external engine that the analyzer
	// uses beside its own rules, such as a daemon's database. It is called once per image, and is part of the
	// analyzer's version.
	ExternalVersions map[string]func(context.Context) (version string, err error)

	// Progress, if set, is called for each layer that was read or reused.
	Progress func(done, total int)

	flights flights
}

// Target is one image to inspect.
type Target struct {
	plimsoll.Tenant
	Artifact plimsoll.Artifact
	Shared   bool // layer reports may be reused without proof of bytes

	// Prove reads blobs to their end, which verifies their digests, even if their reports are
	// stored: the digests in an archive file are only claims.
	Prove bool

	// config is the image's config before redaction; nil = it was not read.
	config *plimsoll.ImageConfig

	analyzers versions // of this inspection
}

// Inspect inspects one image. An error has a failure code. A record that is returned with an
// error has Facts if the layers could be folded; it then contains everything that was found.
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

// Complete reads manifest and config again if the stored artifact has no config. The target keeps
// the config, so that Inspect does not read it a second time.
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

// prove reads the blobs that are not missing, to their end.
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

// fetch reads the missing blobs, each once and several at the same time, and saves their reports one by one.
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

// fetchLayer reads a layer and saves its reports, unless another scan has saved them since this scan listed the
// missing layers.
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

// layer reads one blob. It reads the blob a second time if an analyzer wants a hard link
// whose target came earlier under a name that no analyzer wants.
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
	// Bytes that are no archive may not be the image's: reading the rest of the blob verifies its digest.
	if _, changed := io.CopyN(io.Discard, blob, s.Budget.ImageUnpacked); plimsoll.FailureOf(changed) == plimsoll.FailureDownload {
		return result, changed
	}
	return result, err
}
