package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/layer"
)

// titleAnnotation names the file that a layer of an artifact is (OCI image specification 1.1, Annotations).
const titleAnnotation = "org.opencontainers.image.title"

func (a *app) rulesUpdateCommand() *cobra.Command {
	var o scanOptions
	cmd := &cobra.Command{
		Use:   "update REFERENCE@sha256:DIGEST | DIR",
		Short: "Replace the folder of rules",
		Long: `Update takes a set of rules from a folder, or from an OCI artifact whose manifest has this
digest. The layers of an artifact are files with the annotation org.opencontainers.image.title,
or tar archives of files. The set is loaded in a confined process first; one that
cannot be read, or of which nothing loads, changes nothing.

The new folder takes the place of the old one when it is whole. The old one stays beside it,
with .last at the end of its name. A server reads rules when it starts.`,
		Example: `  plimsoll rules update ./rules
  plimsoll rules update registry.example.org/security/rules@sha256:9f86d081…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.updateRules(cmd.Context(), args[0], o)
		},
	}
	a.rulesFlag(cmd)
	f := cmd.Flags()
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak HTTP without TLS to the registry (default for loopback addresses)")
	f.StringVar(&o.username, "username", "", "registry user")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the registry secret from standard input")
	return cmd
}

func (a *app) updateRules(ctx context.Context, from string, o scanOptions) error {
	files, source, err := a.newRules(ctx, from, o)
	if err != nil {
		return err
	}
	loaded, refused, err := a.usable(ctx, from, files)
	if err != nil {
		return err
	}
	folder := a.rules
	if folder == "" {
		folder = a.ownRules()
	}
	if err := replaceRules(filepath.Clean(folder), source, files); err != nil {
		return plimsoll.Errorf(plimsoll.Unavailable, "replace the rules: %w", err)
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{"folder": folder, "files": len(files), "loaded": loaded, "refused": refused})
	}
	a.note("%s has %d files, %d rules; %d are refused", folder, len(files), loaded, refused)
	return nil
}

// newRules reads a set from where it is offered.
func (a *app) newRules(ctx context.Context, from string, o scanOptions) ([]all.RuleFile, string, error) {
	if info, err := os.Stat(from); err == nil && info.IsDir() {
		files, err := readRules(from)
		full, pathErr := filepath.Abs(from)
		return files, full, errors.Join(err, pathErr)
	}
	_, digest, pinned := strings.Cut(from, "@")
	if !pinned {
		return nil, "", plimsoll.Errorf(plimsoll.Invalid, "%.200q is neither a folder nor a reference with a digest", from).
			WithHint("name an artifact by digest: a tag may be moved by whoever can write to the registry")
	}
	if _, err := plimsoll.ParseDigest(digest); err != nil {
		return nil, "", err
	}
	src, _, resolved, err := a.openReference(ctx, from, o)
	if err != nil {
		return nil, "", err
	}
	defer src.Close() //nolint:errcheck // only read from
	files, err := artifactRules(ctx, src, resolved, a.limits())
	return files, from, err
}

// usable counts the rules of a set. One of which nothing can be used is an error.
func (a *app) usable(ctx context.Context, from string, files []all.RuleFile) (loaded, refused int, err error) {
	sets, err := a.tryRules(ctx, files)
	if err != nil {
		return 0, 0, err
	}
	if loaded, refused = countRules(sets); loaded == 0 {
		return 0, 0, plimsoll.Errorf(plimsoll.Invalid, "no rule of %.200q can be used; %d are refused", from, refused)
	}
	return loaded, refused, nil
}

// tryRules loads a set in a confined process, and tells what became of it without the embedded rules.
func (a *app) tryRules(ctx context.Context, files []all.RuleFile) ([]all.RuleSet, error) {
	n := a.analysis("")
	n.config.Rules = list(files)
	defer n.Close() //nolint:errcheck // it only ends processes
	if err := n.start(1); err != nil {
		return nil, err
	}
	sets, err := n.describe(ctx)
	if err != nil {
		return nil, err
	}
	return sets[embeddedFiles:], nil
}

// artifactManifest is what is read of an artifact's manifest (OCI image specification 1.1, Image Manifest).
type artifactManifest struct {
	Layers []struct {
		MediaType   string            `json:"mediaType"`
		Digest      plimsoll.Digest   `json:"digest"`
		Size        int64             `json:"size"`
		Annotations map[string]string `json:"annotations"`
	} `json:"layers"`
}

// blobs is the part of a repository that artifacts are read from. Both calls prove the digest.
type blobs interface {
	Manifest(ctx context.Context, d plimsoll.Digest) (mediaType string, raw []byte, err error)
	Blob(ctx context.Context, d plimsoll.Descriptor) (io.ReadCloser, error)
}

// artifactRules reads the files of an artifact.
func artifactRules(ctx context.Context, src blobs, digest plimsoll.Digest, budget plimsoll.Budget) ([]all.RuleFile, error) {
	_, raw, err := src.Manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > budget.ManifestBytes {
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "manifest of %d bytes", len(raw))
	}
	var m artifactManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "manifest is not valid: %w", err)
	}
	if len(m.Layers) == 0 {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the artifact has no layers, so it has no rules")
	}
	set := ruleFiles{}
	seen := map[string]bool{}
	for _, l := range m.Layers {
		d := plimsoll.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
		if l.Size < 0 || l.Size > maxRuleBytes {
			return nil, plimsoll.Errorf(plimsoll.TooLarge, "layer %s has %d bytes, more than %d MiB", l.Digest.Short(), l.Size, maxRuleBytes>>20)
		}
		if err := set.addLayer(ctx, src, d, l.Annotations[titleAnnotation], budget); err != nil {
			return nil, err
		}
	}
	for _, f := range set.files {
		if seen[f.Name] {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "the artifact has %.200q twice", f.Name)
		}
		seen[f.Name] = true
	}
	return set.files, nil
}

// addLayer adds the file that a layer is, or those it holds if it has no title.
func (s *ruleFiles) addLayer(ctx context.Context, src blobs, d plimsoll.Descriptor, title string, budget plimsoll.Budget) error {
	blob, err := src.Blob(ctx, d)
	if err != nil {
		return err
	}
	defer blob.Close() //nolint:errcheck // only read from
	if title != "" {
		return s.add(title, blob)
	}
	if !strings.Contains(d.MediaType, "tar") {
		return plimsoll.Errorf(plimsoll.Invalid, "a layer of type %.80q has no title and is no tar archive", d.MediaType)
	}
	budget.ImageUnpacked, budget.LayerEntries = 2*maxRuleBytes, 2*maxRuleFiles // folders and headers take their part
	_, err = layer.Read(ctx, blob, layer.Options{MediaType: d.MediaType, CompressedSize: d.Size, Budget: budget}, func(e plimsoll.Entry, r io.Reader) error {
		switch e.Type {
		case plimsoll.EntryDir:
			return nil
		case plimsoll.EntryFile:
			return s.add(e.Path, r)
		default:
			return plimsoll.Errorf(plimsoll.Invalid, "%.200q is not a file", e.Path)
		}
	})
	return err
}
