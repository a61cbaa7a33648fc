package plimsoll

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Media types of manifests, indexes and the config of an image.
const (
	mediaOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	mediaOCIIndex       = "application/vnd.oci.image.index.v1+json"
	mediaOCIConfig      = "application/vnd.oci.image.config.v1+json"
	mediaDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mediaDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mediaDockerConfig   = "application/vnd.docker.container.image.v1+json"
	mediaDockerForeign  = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
	mediaOCINonDist     = "application/vnd.oci.image.layer.nondistributable."
	mediaSchema1Prefix  = "application/vnd.docker.distribution.manifest.v1+"

	attestationType = "vnd.docker.reference.type"
)

// ManifestMediaTypes are the manifests that are asked for and understood.
func ManifestMediaTypes() []string {
	return []string{mediaOCIManifest, mediaOCIIndex, mediaDockerManifest, mediaDockerList}
}

type wireDescriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	URLs        []string          `json:"urls"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
		Variant      string `json:"variant"`
	} `json:"platform"`
}

func (d wireDescriptor) descriptor() (Descriptor, error) {
	digest, err := ParseDigest(d.Digest)
	if err != nil {
		return Descriptor{}, err
	}
	if d.Size < 0 {
		return Descriptor{}, Errorf(Invalid, "descriptor %s has a negative size", digest.Short())
	}
	return Descriptor{MediaType: d.MediaType, Digest: digest, Size: d.Size}, nil
}

type wireManifest struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	Config        *wireDescriptor  `json:"config"`
	Layers        []wireDescriptor `json:"layers"`
	Manifests     []wireDescriptor `json:"manifests"`
	Subject       *wireDescriptor  `json:"subject"`
	FSLayers      []struct{}       `json:"fsLayers"`
}

// ParseManifest reads a manifest or index (OCI image specification 1.1; Docker image
// manifest version 2, schema 2). The media type is what the registry declared; the
// document's own must not contradict it, and a document that is manifest and index at
// once is refused. Layers have no diff ID until WithConfig is called.
func ParseManifest(mediaType string, raw []byte, budget Budget) (Artifact, error) {
	if int64(len(raw)) > budget.ManifestBytes {
		return Artifact{}, Fail(FailureOversized, Errorf(TooLarge, "manifest of %d bytes is over the budget of %d", len(raw), budget.ManifestBytes))
	}
	var m wireManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "manifest is not valid: %w", err))
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	a := Artifact{Digest: DigestOf(raw), MediaType: mediaType}
	if m.SchemaVersion == 1 || len(m.FSLayers) > 0 || strings.HasPrefix(mediaType, mediaSchema1Prefix) {
		a.Kind, a.Unscannable = KindSchema1, ReasonSchema1
		return a, nil
	}
	if m.MediaType != "" {
		if mediaType != "" && mediaType != m.MediaType && knownManifest(mediaType) {
			return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "manifest says it is %.80q but was served as %.80q", m.MediaType, mediaType))
		}
		a.MediaType = m.MediaType
	}
	if len(m.Manifests) > 0 && (m.Config != nil || len(m.Layers) > 0) {
		return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "manifest is an image and an index at once"))
	}
	if m.Subject != nil {
		subject, err := m.Subject.descriptor()
		if err != nil {
			return Artifact{}, Fail(FailureDownload, err)
		}
		a.Subject = subject.Digest
	}
	if a.MediaType == mediaOCIIndex || a.MediaType == mediaDockerList || (a.MediaType == "" && m.Config == nil) {
		return a.asIndex(m)
	}
	return a.asImage(m, budget)
}

func knownManifest(mediaType string) bool {
	for _, known := range ManifestMediaTypes() {
		if known == mediaType {
			return true
		}
	}
	return false
}

func (a Artifact) asIndex(m wireManifest) (Artifact, error) {
	a.Kind = KindIndex
	seen := map[Digest]bool{a.Digest: true}
	scannable := 0
	for _, w := range m.Manifests {
		d, err := w.descriptor()
		if err != nil {
			return Artifact{}, Fail(FailureDownload, err)
		}
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		c := Child{Descriptor: d}
		if w.Platform != nil {
			c.Platform = Platform{OS: w.Platform.OS, Architecture: w.Platform.Architecture, Variant: w.Platform.Variant}
		}
		c.Unscannable = childReason(c, w.Annotations)
		if c.Unscannable == "" {
			scannable++
		}
		a.Children = append(a.Children, c)
	}
	if scannable == 0 {
		a.Unscannable = ReasonNotAnImage
		if len(a.Children) > 0 {
			a.Unscannable = a.Children[0].Unscannable
		}
	}
	return a, nil
}

func childReason(c Child, annotations map[string]string) string {
	p := c.Platform
	switch {
	case annotations[attestationType] != "" || (p.OS == "unknown" && p.Architecture == "unknown"):
		return ReasonAttestation
	case c.MediaType == mediaOCIIndex || c.MediaType == mediaDockerList:
		return ReasonNotAnImage
	case p.OS != "" && p.OS != "linux":
		return ReasonNotLinux
	default:
		return ""
	}
}

func (a Artifact) asImage(m wireManifest, budget Budget) (Artifact, error) {
	if m.Config == nil {
		return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "manifest has no config"))
	}
	if len(m.Layers) > budget.Layers {
		return Artifact{}, Fail(FailureLayers, Errorf(TooLarge, "image of %d layers is over the budget of %d", len(m.Layers), budget.Layers))
	}
	config, err := m.Config.descriptor()
	if err != nil {
		return Artifact{}, Fail(FailureDownload, err)
	}
	a.Kind, a.Config, a.Size = KindImage, config, config.Size
	if config.MediaType != "" && config.MediaType != mediaOCIConfig && config.MediaType != mediaDockerConfig {
		a.Kind, a.Unscannable = KindOther, ReasonNotAnImage
	}
	for _, w := range m.Layers {
		d, err := w.descriptor()
		if err != nil {
			return Artifact{}, Fail(FailureDownload, err)
		}
		if a.Size+d.Size < a.Size {
			return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "layer sizes overflow"))
		}
		a.Size += d.Size
		a.Layers = append(a.Layers, Layer{Descriptor: d})
		if a.Unscannable == "" && (d.MediaType == mediaDockerForeign || strings.HasPrefix(d.MediaType, mediaOCINonDist)) {
			a.Unscannable = ReasonForeignLayer
		}
	}
	return a, nil
}

type wireConfig struct {
	Created      *time.Time `json:"created"`
	OS           string     `json:"os"`
	Architecture string     `json:"architecture"`
	Variant      string     `json:"variant"`
	Config       struct {
		User         string              `json:"User"`
		Env          []string            `json:"Env"`
		Entrypoint   []string            `json:"Entrypoint"`
		Cmd          []string            `json:"Cmd"`
		WorkingDir   string              `json:"WorkingDir"`
		Labels       map[string]string   `json:"Labels"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts"`
		Volumes      map[string]struct{} `json:"Volumes"`
		Healthcheck  *struct {
			Test []string `json:"Test"`
		} `json:"Healthcheck"`
	} `json:"config"`
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		Created    *time.Time `json:"created"`
		CreatedBy  string     `json:"created_by"`
		Comment    string     `json:"comment"`
		EmptyLayer bool       `json:"empty_layer"`
	} `json:"history"`
}

// ParseConfig reads an image config (OCI image specification, "Image Configuration").
func ParseConfig(raw []byte, budget Budget) (ImageConfig, error) {
	if int64(len(raw)) > budget.ConfigBytes {
		return ImageConfig{}, Fail(FailureOversized, Errorf(TooLarge, "config of %d bytes is over the budget of %d", len(raw), budget.ConfigBytes))
	}
	var w wireConfig
	if err := json.Unmarshal(raw, &w); err != nil {
		return ImageConfig{}, Fail(FailureDownload, Errorf(Invalid, "config is not valid: %w", err))
	}
	if len(w.History) > budget.HistoryLines {
		return ImageConfig{}, Fail(FailureOversized, Errorf(TooLarge, "config with %d history lines is over the budget of %d", len(w.History), budget.HistoryLines))
	}
	c := ImageConfig{
		Platform:   Platform{OS: w.OS, Architecture: w.Architecture, Variant: w.Variant},
		User:       w.Config.User,
		Env:        w.Config.Env,
		Entrypoint: w.Config.Entrypoint,
		Cmd:        w.Config.Cmd,
		WorkingDir: w.Config.WorkingDir,
		Labels:     w.Config.Labels,
		Ports:      sortedKeys(w.Config.ExposedPorts),
		Volumes:    sortedKeys(w.Config.Volumes),
	}
	if w.Created != nil {
		c.Created = w.Created.UTC()
	}
	if h := w.Config.Healthcheck; h != nil && len(h.Test) > 0 && h.Test[0] != "NONE" {
		c.Healthcheck = true
	}
	for _, s := range w.RootFS.DiffIDs {
		d, err := ParseDigest(s)
		if err != nil {
			return ImageConfig{}, Fail(FailureDownload, err)
		}
		c.DiffIDs = append(c.DiffIDs, d)
	}
	for _, h := range w.History {
		line := HistoryLine{CreatedBy: h.CreatedBy, Comment: h.Comment, Empty: h.EmptyLayer}
		if h.Created != nil {
			line.Created = h.Created.UTC()
		}
		c.History = append(c.History, line)
	}
	return c, nil
}

// ReadConfig reads an image config to its end and parses it.
func ReadConfig(body io.Reader, budget Budget) (ImageConfig, error) {
	raw, err := io.ReadAll(io.LimitReader(body, budget.ConfigBytes+1))
	if err != nil {
		return ImageConfig{}, Fail(FailureDownload, err)
	}
	return ParseConfig(raw, budget)
}

// WithConfig joins an image with its config: platform, creation time, a diff ID and a
// history line for each layer. The config must name as many diff IDs as there are layers.
func (a Artifact) WithConfig(c ImageConfig) (Artifact, error) {
	if len(c.DiffIDs) != len(a.Layers) {
		return Artifact{}, Fail(FailureDownload, Errorf(Invalid, "config names %d layers but the manifest %d", len(c.DiffIDs), len(a.Layers)))
	}
	layers := make([]Layer, len(a.Layers))
	var lines []string
	for _, h := range c.History {
		if !h.Empty {
			lines = append(lines, h.CreatedBy)
		}
	}
	for i, l := range a.Layers {
		l.DiffID = c.DiffIDs[i]
		if len(lines) == len(layers) {
			l.CreatedBy = lines[i]
		}
		layers[i] = l
	}
	a.Layers, a.Settings, a.Platform, a.Created = layers, &c, c.Platform, c.Created
	if a.Unscannable == "" && c.Platform.OS != "" && c.Platform.OS != "linux" {
		a.Unscannable = ReasonNotLinux
	}
	return a, nil
}

func sortedKeys(m map[string]struct{}) []string {
	return slices.Sorted(maps.Keys(m))
}
