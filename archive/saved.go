package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"

	"plimsoll"
)

// maxLayers bounds the layers of all images of an archive, each time one is named.
const maxLayers = 200_000

// savedImage is an entry of manifest.json, as `docker save` writes it since 1.10.
type savedImage struct {
	Config   string   `json:"Config"`
	RepoTags []string `json:"RepoTags"`
	Layers   []string `json:"Layers"` // bottom first
}

// The manifest that stands in for the one that old archives do not keep (Docker image
// manifest version 2, schema 2).
type standIn struct {
	SchemaVersion int       `json:"schemaVersion"`
	MediaType     string    `json:"mediaType"`
	Config        content   `json:"config"`
	Layers        []content `json:"layers"`
}

type content struct {
	MediaType string          `json:"mediaType"`
	Size      int64           `json:"size"`
	Digest    plimsoll.Digest `json:"digest"`
}

const (
	mediaDockerConfig = "application/vnd.docker.container.image.v1+json"
	mediaDockerLayer  = "application/vnd.docker.image.rootfs.diff.tar"
)

// readSaved makes a manifest for every entry of manifest.json. The same archive gives the same digests.
func (a *Archive) readSaved() error {
	var saved []savedImage
	if err := a.decode("manifest.json", &saved); err != nil {
		return err
	}
	known := map[int64]content{} // by offset: layers are shared, links lead to the same bytes
	total := 0
	for _, image := range saved {
		if total += len(image.Layers); total > maxLayers {
			return tooLarge("the archive names more than %d layers", maxLayers)
		}
		if len(image.Layers) > a.budget.Layers {
			return plimsoll.Fail(plimsoll.FailureLayers, plimsoll.Errorf(plimsoll.TooLarge, "an image of %d layers is over the budget of %d", len(image.Layers), a.budget.Layers))
		}
		m := standIn{SchemaVersion: 2, MediaType: mediaDockerManifest, Layers: []content{}}
		var err error
		if m.Config, err = a.contentOf(image.Config, known); err != nil {
			return err
		}
		m.Config.MediaType = mediaDockerConfig
		for _, name := range image.Layers {
			layer, err := a.contentOf(name, known)
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
		if err := a.add(d, image.RepoTags...); err != nil {
			return err
		}
	}
	return nil
}

// contentOf hashes a member once.
func (a *Archive) contentOf(name string, known map[int64]content) (content, error) {
	name, ok := inside(name)
	if !ok {
		return content{}, invalid("the archive names a member outside of it")
	}
	m, err := a.find(name)
	if err != nil {
		return content{}, err
	}
	if c, ok := known[m.offset]; ok && c.Size == m.size {
		return c, nil
	}
	h := sha256.New()
	var start prefix
	n, err := io.Copy(io.MultiWriter(h, &start), io.NewSectionReader(a.data, m.offset, m.size))
	if err == nil && n != m.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return content{}, ioError("reading the archive", err)
	}
	c := content{MediaType: mediaDockerLayer + compression(start).suffix(), Size: m.size, Digest: plimsoll.DigestFrom([sha256.Size]byte(h.Sum(nil)))}
	known[m.offset], a.blobs[c.Digest] = c, m
	return c, nil
}

// prefix keeps the first bytes written to it.
type prefix []byte

func (p *prefix) Write(b []byte) (int, error) {
	if missing := len(zstdMagic) - len(*p); missing > 0 {
		*p = append(*p, b[:min(missing, len(b))]...)
	}
	return len(b), nil
}

var (
	gzipMagic = []byte{0x1f, 0x8b}             // RFC 1952 section 2.3.1
	zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd} // RFC 8878 section 3.1.1
)

// coding is how bytes are compressed.
type coding string

const (
	codingNone coding = ""
	codingGzip coding = "gzip"
	codingZstd coding = "zstd"
)

func compression(start []byte) coding {
	switch {
	case bytes.HasPrefix(start, gzipMagic):
		return codingGzip
	case bytes.HasPrefix(start, zstdMagic):
		return codingZstd
	default:
		return codingNone
	}
}

// suffix is what a media type of a layer adds for the coding.
func (c coding) suffix() string {
	if c == codingNone {
		return ""
	}
	return "." + string(c)
}
