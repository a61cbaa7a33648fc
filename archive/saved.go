package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"

	"plimsoll"
)

// maxLayers bounds the layers of all images together; a shared layer counts for every image.
const maxLayers = 200_000

// savedImage is an entry of manifest.json, as `docker save` writes it since 1.10.
type savedImage struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"` // bottom first
}

// generatedManifest replaces the manifest that old archives do not contain (Docker image manifest version 2, schema 2).
type generatedManifest struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	Config        blobDescriptor   `json:"config"`
	Layers        []blobDescriptor `json:"layers"`
}

type blobDescriptor struct {
	MediaType string          `json:"mediaType"`
	Size      int64           `json:"size"`
	Digest    plimsoll.Digest `json:"digest"`
}

const (
	mediaDockerConfig = "application/vnd.docker.container.image.v1+json"
	mediaDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar"
)

// readSaved generates a manifest for every entry of manifest.json. The same archive always gives the same digests.
func (a *Archive) readSaved() error {
	var saved []savedImage
	if err := a.decodeJSON("manifest.json", &saved); err != nil {
		return err
	}
	known := map[int64]blobDescriptor{} // by offset: images share layers, and links lead to the same bytes
	total := 0
	for _, image := range saved {
		if total += len(image.Layers); total > maxLayers {
			return overBudget("the archive names more than %d layers", maxLayers)
		}
		if len(image.Layers) > a.budget.Layers {
			return plimsoll.Fail(plimsoll.FailureLayers, plimsoll.Errorf(plimsoll.TooLarge, "an image of %d layers is over the budget of %d", len(image.Layers), a.budget.Layers))
		}
		m := generatedManifest{SchemaVersion: 2, MediaType: mediaDockerManifest, Layers: []blobDescriptor{}}
		var err error
		if m.Config, err = a.describeMember(image.Config, known); err != nil {
			return err
		}
		m.Config.MediaType = mediaDockerConfig
		for _, name := range image.Layers {
			layer, err := a.describeMember(name, known)
			if err != nil {
				return err
			}
			m.Layers = append(m.Layers, layer)
		}
		raw, err := json.Marshal(m)
		if err != nil {
			return &plimsoll.Error{Code: plimsoll.Internal, Message: "encoding a manifest", Err: err}
		}
		d := plimsoll.DigestOf(raw)
		a.manifests[d] = raw
		if err := a.addImage(d, image.RepoTags...); err != nil {
			return err
		}
	}
	return nil
}

// describeMember returns the descriptor of a member. It hashes each member once.
func (a *Archive) describeMember(name string, known map[int64]blobDescriptor) (blobDescriptor, error) {
	name, ok := cleanInside(name)
	if !ok {
		return blobDescriptor{}, invalidArchive("manifest.json names a member outside of the archive")
	}
	m, err := a.findMember(name)
	if err != nil {
		return blobDescriptor{}, err
	}
	if c, ok := known[m.offset]; ok && c.Size == m.size {
		return c, nil
	}
	h := sha256.New()
	var start firstBytes
	n, err := io.Copy(io.MultiWriter(h, &start), io.NewSectionReader(a.data, m.offset, m.size))
	if err == nil && n != m.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return blobDescriptor{}, ioError("reading the archive", err)
	}
	c := blobDescriptor{MediaType: mediaDockerLayer + detectCompression(start).mediaTypeSuffix(), Size: m.size, Digest: plimsoll.DigestFrom([sha256.Size]byte(h.Sum(nil)))}
	known[m.offset], a.blobs[c.Digest] = c, m
	return c, nil
}

// firstBytes is a writer that keeps the first bytes.
type firstBytes []byte

func (p *firstBytes) Write(b []byte) (int, error) {
	if missing := len(zstdMagic) - len(*p); missing > 0 {
		*p = append(*p, b[:min(missing, len(b))]...)
	}
	return len(b), nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}             // RFC 1952 section 2.3.1
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd} // RFC 8878 section 3.1.1
)

// compressionKind is the compression of a layer or archive.
type compressionKind string

const (
	compressionNone compressionKind = ""
	compressionGzip compressionKind = "gzip"
	compressionZstd compressionKind = "zstd"
)

func detectCompression(start []byte) compressionKind {
	switch {
	case bytes.HasPrefix(start, gzipMagic):
		return compressionGzip
	case bytes.HasPrefix(start, zstdMagic):
		return compressionZstd
	default:
		return compressionNone
	}
}

// mediaTypeSuffix returns what the compression adds to the media type of a layer.
func (c compressionKind) mediaTypeSuffix() string {
	if c == compressionNone {
		return ""
	}
	return "." + string(c)
}
