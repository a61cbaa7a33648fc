// Package manifest parses image manifests, indexes and configs (OCI image specification 1.1, Docker image
// manifest version 2 schema 2) into artifacts.
package manifest

import (
	"encoding/json"
	"strings"

	"plimsoll"
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

// MediaTypes returns the media types of the manifests that Parse reads.
func MediaTypes() []string {
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

func (d wireDescriptor) descriptor() (plimsoll.Descriptor, error) {
	digest, err := plimsoll.ParseDigest(d.Digest)
	if err != nil {
		return plimsoll.Descriptor{}, err
	}
	if d.Size < 0 {
		return plimsoll.Descriptor{}, plimsoll.Errorf(plimsoll.Invalid, "descriptor %s has a negative size", digest.Short())
	}
	return plimsoll.Descriptor{MediaType: d.MediaType, Digest: digest, Size: d.Size}, nil
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

// Parse reads a manifest or index (OCI image specification 1.1; Docker image
// manifest version 2, schema 2). The media type is what the registry declared; the
// document's own must not contradict it, and a document that is manifest and index at
// once is refused. Layers have no diff ID until WithConfig is called.
func Parse(mediaType string, raw []byte, budget plimsoll.Budget) (plimsoll.Artifact, error) {
	if int64(len(raw)) > budget.ManifestBytes {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "manifest of %d bytes is over the budget of %d", len(raw), budget.ManifestBytes))
	}
	var m wireManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "manifest is not valid: %w", err))
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	a := plimsoll.Artifact{Digest: plimsoll.DigestOf(raw), MediaType: mediaType}
	if m.SchemaVersion == 1 || len(m.FSLayers) > 0 || strings.HasPrefix(mediaType, mediaSchema1Prefix) {
		a.Kind, a.Unscannable = plimsoll.KindSchema1, plimsoll.ReasonSchema1
		return a, nil
	}
	if m.MediaType != "" {
		if mediaType != "" && mediaType != m.MediaType && isKnownMediaType(mediaType) {
			return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "manifest says it is %.80q but was served as %.80q", m.MediaType, mediaType))
		}
		a.MediaType = m.MediaType
	}
	if len(m.Manifests) > 0 && (m.Config != nil || len(m.Layers) > 0) {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "manifest is an image and an index at once"))
	}
	if m.Subject != nil {
		subject, err := m.Subject.descriptor()
		if err != nil {
			return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, err)
		}
		a.Subject = subject.Digest
	}
	if a.MediaType == mediaOCIIndex || a.MediaType == mediaDockerList || (a.MediaType == "" && m.Config == nil) {
		return parseIndex(a, m)
	}
	return parseImage(a, m, budget)
}

func isKnownMediaType(mediaType string) bool {
	for _, known := range MediaTypes() {
		if known == mediaType {
			return true
		}
	}
	return false
}

func parseIndex(a plimsoll.Artifact, m wireManifest) (plimsoll.Artifact, error) {
	a.Kind = plimsoll.KindIndex
	seen := map[plimsoll.Digest]bool{a.Digest: true}
	scannable := 0
	for _, w := range m.Manifests {
		d, err := w.descriptor()
		if err != nil {
			return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, err)
		}
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		c := plimsoll.Child{Descriptor: d}
		if w.Platform != nil {
			c.Platform = plimsoll.Platform{OS: w.Platform.OS, Architecture: w.Platform.Architecture, Variant: w.Platform.Variant}
		}
		c.Unscannable = unscannableReason(c, w.Annotations)
		if c.Unscannable == "" {
			scannable++
		}
		a.Children = append(a.Children, c)
	}
	if scannable == 0 {
		a.Unscannable = plimsoll.ReasonNotAnImage
		if len(a.Children) > 0 {
			a.Unscannable = a.Children[0].Unscannable
		}
	}
	return a, nil
}

func unscannableReason(c plimsoll.Child, annotations map[string]string) string {
	p := c.Platform
	switch {
	case annotations[attestationType] != "" || (p.OS == "unknown" && p.Architecture == "unknown"):
		return plimsoll.ReasonAttestation
	case c.MediaType == mediaOCIIndex || c.MediaType == mediaDockerList:
		return plimsoll.ReasonNotAnImage
	case p.OS != "" && p.OS != "linux":
		return plimsoll.ReasonNotLinux
	default:
		return ""
	}
}

func parseImage(a plimsoll.Artifact, m wireManifest, budget plimsoll.Budget) (plimsoll.Artifact, error) {
	if m.Config == nil {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "manifest has no config"))
	}
	if len(m.Layers) > budget.Layers {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureLayers, plimsoll.Errorf(plimsoll.TooLarge, "image of %d layers is over the budget of %d", len(m.Layers), budget.Layers))
	}
	config, err := m.Config.descriptor()
	if err != nil {
		return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, err)
	}
	a.Kind, a.Config, a.Size = plimsoll.KindImage, config, config.Size
	if config.MediaType != "" && config.MediaType != mediaOCIConfig && config.MediaType != mediaDockerConfig {
		a.Kind, a.Unscannable = plimsoll.KindOther, plimsoll.ReasonNotAnImage
	}
	for _, w := range m.Layers {
		d, err := w.descriptor()
		if err != nil {
			return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, err)
		}
		if a.Size+d.Size < a.Size {
			return plimsoll.Artifact{}, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Invalid, "layer sizes overflow"))
		}
		a.Size += d.Size
		a.Layers = append(a.Layers, plimsoll.Layer{Descriptor: d})
		if a.Unscannable == "" && (d.MediaType == mediaDockerForeign || strings.HasPrefix(d.MediaType, mediaOCINonDist)) {
			a.Unscannable = plimsoll.ReasonForeignLayer
		}
	}
	return a, nil
}
