package main

import (
	"context"
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/archive"
	"plimsoll/intake"
	"plimsoll/manifest"
	"plimsoll/registry"
	"plimsoll/scan"
	"plimsoll/store/sqlite"
)

type scanOptions struct {
	archive        string
	layout         string
	image          string
	platform       string
	failOn         string
	allowNotJudged bool
	failOnStale    bool
	plainHTTP      bool
	username       string
	passwordStdin  bool
	parallel       int
	noCache        bool
	without        []string
	allSecrets     bool
}

func (a *app) scanCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "scan [REFERENCE]",
		Short: "Look inside one image, without a server",
		Long: `Scan reads one image from a registry or an archive, looks inside its layers and
judges it by the advisories in the data directory. What it finds in the layers is
kept there too, so that a layer is looked into once; nothing enters the inventory.

Exit status:
  0  looked everywhere and judged everything; no threshold was met
  1  a --fail-on threshold was met
  2  could not look, or not everywhere, or (without --allow-not-judged) not judge
     every package; also for any error, and (with --fail-on-stale) if the
     advisories are older than --stale-after

What could not be looked at outweighs a threshold, and a threshold outweighs what
could not be judged.`,
		Example: `  plimsoll scan registry.example.org/team/web:1.4.0
  plimsoll scan --archive image.tar --output json
  docker save team/web:1.4.0 | plimsoll scan --archive -
  plimsoll scan --layout ./image --image team/web:1.4.0
  plimsoll scan --fail-on high registry.example.org/team/web:1.4.0`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := ""
			if len(args) == 1 {
				ref = args[0]
			}
			return a.scan(cmd.Context(), ref, o)
		},
	}
	a.budgetFlags(cmd)
	a.staleFlag(cmd)
	a.rulesFlag(cmd)
	a.clamdFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.archive, "archive", "", "read a docker-save or OCI layout tar file instead of a registry; - is standard input")
	f.StringVar(&o.layout, "layout", "", "read an OCI image layout directory instead of a registry")
	f.StringVar(&o.image, "image", "", "which image of an archive or layout, by name or digest, if it holds several")
	f.StringVar(&o.platform, "platform", "linux/amd64", "which platform of an index to scan")
	f.StringVar(&o.failOn, "fail-on", "", "exit 1 on a vulnerability of this severity or worse (critical, high, medium, low), on malware, on a secret, or on any finding")
	f.BoolVar(&o.allowNotJudged, "allow-not-judged", false, "do not fail because some packages could not be judged")
	f.BoolVar(&o.failOnStale, "fail-on-stale", false, "exit 2 if the advisories are older than --stale-after, or there are none")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak HTTP without TLS to the registry (default for loopback addresses)")
	f.StringVar(&o.username, "username", "", "registry user")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the registry secret from standard input")
	f.IntVar(&o.parallel, "parallel", 0, "layers read at once; 0 = one a core, at most 4")
	f.StringSliceVar(&o.without, "without", nil, "do not look for these: malware, secret")
	f.BoolVar(&o.noCache, "no-cache", false, "look into every layer again, and keep nothing")
	complete(cmd, "without", all.Optional()...)
	f.BoolVar(&o.allSecrets, "all-secrets", false, "list secrets in every file, those of system packages and documents and examples of packages of languages included")
	complete(cmd, "fail-on", "critical", "high", "medium", "low", "malware", "secret", "any")
	complete(cmd, "platform", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/ppc64le", "linux/riscv64", "linux/s390x")
	return cmd
}

func (a *app) scan(ctx context.Context, ref string, o scanOptions) error {
	threshold, err := parseThreshold(o.failOn)
	if err != nil {
		return err
	}
	if slices.Contains(o.without, o.failOn) {
		return plimsoll.Errorf(plimsoll.Invalid, "--fail-on %s needs what --without leaves out", o.failOn)
	}
	platform, err := plimsoll.ParsePlatform(o.platform)
	if err != nil {
		return err
	}
	src, name, digest, err := a.source(ctx, ref, o)
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // only read from
	advisories, err := sqlite.Advisories(ctx, a.dataFile("advisories.db"))
	if err != nil {
		return err
	}
	defer advisories.Close() //nolint:errcheck // only read from
	status, err := advisories.Status(ctx)
	if err != nil {
		return err
	}
	status.Judge(a.staleAfter)
	if o.parallel <= 0 {
		o.parallel = min(runtime.NumCPU(), 4)
	}
	one, err := a.singleScan(ctx, src, advisories, o)
	if err != nil {
		return err
	}
	defer one.close()
	artifact, record, failure := one.run(ctx, digest, platform, name)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failure != nil && len(record.Settings) == 0 {
		return failure // nothing was looked at
	}
	result := newScanOutput(name, artifact, record, status, failure)
	result.Without = o.without
	if !o.allSecrets {
		result.leaveOut(plimsoll.DefaultSecretProfile())
	}
	if err := a.printScan(result); err != nil {
		return err
	}
	a.warnStale(status)
	if err := verdict(result, threshold, failure, o.allowNotJudged); err != nil || !o.failOnStale {
		return err
	}
	return currentEnough(status)
}

// imageSource is where a scan reads from.
type imageSource interface {
	scan.Source
	Close() error
}

func (a *app) source(ctx context.Context, ref string, o scanOptions) (imageSource, string, plimsoll.Digest, error) {
	named := 0
	for _, s := range []string{ref, o.archive, o.layout} {
		if s != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return nil, "", "", plimsoll.Errorf(plimsoll.Invalid, "name one image: a reference, --archive FILE, or --layout DIR")
	case ref == "":
		return a.openArchive(o)
	case o.image != "":
		return nil, "", "", plimsoll.Errorf(plimsoll.Invalid, "--image is for an archive or a layout; a reference names its image itself")
	default:
		return a.openReference(ctx, ref, o)
	}
}

// openArchive opens the archive or layout that o names, and the one image of it that is meant.
func (a *app) openArchive(o scanOptions) (imageSource, string, plimsoll.Digest, error) {
	var ar *archive.Archive
	var err error
	path := o.archive
	switch {
	case o.layout != "":
		path = o.layout
		ar, err = archive.OpenLayout(path, a.limits())
	case path == "-":
		path = "standard input"
		ar, err = archive.Read(a.in, a.limits())
	default:
		ar, err = archive.Open(path, a.limits())
	}
	if err != nil {
		return nil, "", "", err
	}
	image, err := choose(path, ar.Images(), o.image)
	if err != nil {
		return nil, "", "", errors.Join(err, ar.Close())
	}
	name := image.Ref
	if name == "" {
		name = path
	}
	return ar, name, image.Digest, nil
}

// choose finds the image that is called ref, or the only one.
func choose(path string, images []archive.Image, ref string) (archive.Image, error) {
	var fit []archive.Image
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.Ref
		if image.Ref == "" {
			names[i] = string(image.Digest)
		}
		if ref == "" || ref == image.Ref || ref == string(image.Digest) {
			fit = append(fit, image)
		}
	}
	if len(fit) == 0 && ref != "" {
		return archive.Image{}, plimsoll.Errorf(plimsoll.NotFound, "archive %s holds no image %.200q", path, ref).
			WithHint("it holds: %s", firstOf(names))
	}
	several := len(fit) == 0
	for _, image := range fit {
		several = several || image.Digest != fit[0].Digest // one image may have several names
	}
	if several {
		return archive.Image{}, plimsoll.Errorf(plimsoll.Invalid, "archive %s holds %d images, not one", path, len(images)).
			WithHint("choose one with --image; it holds: %s", firstOf(names))
	}
	return fit[0], nil
}

// remoteSource is a repository as a source that needs no closing.
type remoteSource struct{ intake.Repository }

func (remoteSource) Close() error { return nil }

func (a *app) openReference(ctx context.Context, ref string, o scanOptions) (imageSource, string, plimsoll.Digest, error) {
	named, err := plimsoll.ParseReference(ref)
	if err != nil {
		return nil, "", "", err
	}
	scheme := "https"
	if o.plainHTTP || isLoopback(named.Registry) {
		scheme = "http"
	}
	secret, err := a.secret(o.passwordStdin)
	if err != nil {
		return nil, "", "", err
	}
	// The operator typed this address, so it may be a private one.
	transport, err := a.transport(withPort(named.Registry, scheme))
	if err != nil {
		return nil, "", "", err
	}
	client, err := registry.New(registry.Options{
		URL: scheme + "://" + named.Registry, Credential: plimsoll.Credential{Username: o.username, Secret: secret},
		Transport: transport, Budget: a.limits(), Logger: a.logger(),
	})
	if err != nil {
		return nil, "", "", err
	}
	d, err := client.Resolve(ctx, named.Repository, named.TagOrDigest())
	if err != nil {
		return nil, "", "", err
	}
	return remoteSource{intake.Repository{Source: client, Path: named.Repository}}, ref, d.Digest, nil
}

// pick reads the artifact at digest, or the member of an index for the platform. A member
// that turns out to be an index is not followed: a chain of them would have no end.
func pick(ctx context.Context, src scan.Source, digest plimsoll.Digest, platform plimsoll.Platform) (plimsoll.Artifact, error) {
	artifact, err := read(ctx, src, digest)
	if err != nil || artifact.Kind != plimsoll.KindIndex {
		return artifact, err
	}
	var have []string
	for _, c := range artifact.Children {
		if c.Unscannable == "" && c.Platform.Matches(platform) {
			return read(ctx, src, c.Digest)
		}
		have = append(have, c.Platform.String())
	}
	return plimsoll.Artifact{}, plimsoll.Errorf(plimsoll.NotFound, "the index has no %s", platform).
		WithHint("it has: %s", strings.Join(have, ", "))
}

func read(ctx context.Context, src scan.Source, digest plimsoll.Digest) (plimsoll.Artifact, error) {
	mediaType, raw, err := src.Manifest(ctx, digest)
	if err != nil {
		return plimsoll.Artifact{}, err
	}
	return manifest.Parse(mediaType, raw, plimsoll.DefaultBudget())
}

func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(name)
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

func withPort(host, scheme string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	if scheme == "http" {
		return net.JoinHostPort(host, "80")
	}
	return net.JoinHostPort(host, "443")
}
