package imagescan

import (
	"context"
	"errors"
	"io"
	"strings"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/app/terminal"
	"plimsoll/archive"
	"plimsoll/manifest"
	"plimsoll/scan"
)

// Source names one image: exactly one of Reference, Archive and Layout is set.
type Source struct {
	Reference string            // host/repository:tag or @digest
	Archive   string            // path of a docker-save or OCI layout tar file; "-" = Stdin
	Layout    string            // path of an OCI image layout directory
	Image     string            // which image of an archive or layout, by name or digest; "" = the only one
	Platform  plimsoll.Platform // which member of an index

	Access app.RegistryAccess // to the registry of Reference
	Stdin  io.Reader
}

// imageSource is where a scan reads from.
type imageSource interface {
	scan.Source
	Close() error
}

// openSource opens the repository, archive or layout of s, and returns the name and digest of the image.
func openSource(ctx context.Context, c app.Config, s Source) (imageSource, string, plimsoll.Digest, error) {
	named := 0
	for _, one := range []string{s.Reference, s.Archive, s.Layout} {
		if one != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return nil, "", "", plimsoll.Errorf(plimsoll.Invalid, "name one image: a reference, --archive FILE, or --layout DIR")
	case s.Reference == "":
		return openArchive(c, s)
	case s.Image != "":
		return nil, "", "", plimsoll.Errorf(plimsoll.Invalid, "--image is for an archive or a layout; a reference names its image itself")
	}
	repository, digest, err := c.OpenReference(ctx, s.Reference, s.Access)
	return unclosed{repository}, s.Reference, digest, err
}

// unclosed is a source that needs no closing.
type unclosed struct{ scan.Source }

func (unclosed) Close() error { return nil }

// openArchive opens an archive or layout, and finds its one image that is meant.
func openArchive(c app.Config, s Source) (imageSource, string, plimsoll.Digest, error) {
	var ar *archive.Archive
	var err error
	path := s.Archive
	switch {
	case s.Layout != "":
		path = s.Layout
		ar, err = archive.OpenLayout(path, c.Budget)
	case path == "-":
		path = "standard input"
		ar, err = archive.Read(s.Stdin, c.Budget)
	default:
		ar, err = archive.Open(path, c.Budget)
	}
	if err != nil {
		return nil, "", "", err
	}
	image, err := chooseImage(path, ar.Images(), s.Image)
	if err != nil {
		return nil, "", "", errors.Join(err, ar.Close())
	}
	name := image.Ref
	if name == "" {
		name = path
	}
	return ar, name, image.Digest, nil
}

// chooseImage finds the image that is named ref, or the only one.
func chooseImage(path string, images []archive.Image, ref string) (archive.Image, error) {
	var matching []archive.Image
	names := make([]string, len(images))
	for i, image := range images {
		names[i] = image.Ref
		if image.Ref == "" {
			names[i] = string(image.Digest)
		}
		if ref == "" || ref == image.Ref || ref == string(image.Digest) {
			matching = append(matching, image)
		}
	}
	if len(matching) == 0 && ref != "" {
		return archive.Image{}, plimsoll.Errorf(plimsoll.NotFound, "archive %s holds no image %.200q", path, ref).
			WithHint("it holds: %s", terminal.FirstFew(names))
	}
	several := len(matching) == 0
	for _, image := range matching {
		several = several || image.Digest != matching[0].Digest // one image may have several names
	}
	if several {
		return archive.Image{}, plimsoll.Errorf(plimsoll.Invalid, "archive %s holds %d images, not one", path, len(images)).
			WithHint("choose one with --image; it holds: %s", terminal.FirstFew(names))
	}
	return matching[0], nil
}

// choosePlatform reads the artifact at digest, or the member of an index for the platform. A member
// that turns out to be an index is not followed: a chain of them would have no end.
func choosePlatform(ctx context.Context, src scan.Source, digest plimsoll.Digest, platform plimsoll.Platform) (plimsoll.Artifact, error) {
	artifact, err := readArtifact(ctx, src, digest)
	if err != nil || artifact.Kind != plimsoll.KindIndex {
		return artifact, err
	}
	var have []string
	for _, c := range artifact.Children {
		if c.Unscannable == "" && c.Platform.Matches(platform) {
			return readArtifact(ctx, src, c.Digest)
		}
		have = append(have, c.Platform.String())
	}
	return plimsoll.Artifact{}, plimsoll.Errorf(plimsoll.NotFound, "the index has no %s", platform).
		WithHint("it has: %s", strings.Join(have, ", "))
}

func readArtifact(ctx context.Context, src scan.Source, digest plimsoll.Digest) (plimsoll.Artifact, error) {
	mediaType, raw, err := src.Manifest(ctx, digest)
	if err != nil {
		return plimsoll.Artifact{}, err
	}
	return manifest.Parse(mediaType, raw, plimsoll.DefaultBudget())
}
