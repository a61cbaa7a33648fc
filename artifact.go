package plimsoll

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// ArtifactKind says what a manifest describes.
type ArtifactKind string

// The kinds of artifact. Only images and indexes are scanned.
const (
	KindImage       ArtifactKind = "image"
	KindIndex       ArtifactKind = "index"
	KindAttestation ArtifactKind = "attestation" // platform unknown/unknown: provenance or an SBOM about a sibling
	KindOther       ArtifactKind = "other"       // an artifact that is not a container image (a chart, a signature)
	KindSchema1     ArtifactKind = "schema1"     // Docker manifest version 1, refused
)

// Why an artifact or a child of an index is not scanned.
const (
	ReasonAttestation  = "attestation"
	ReasonSchema1      = "schema1"
	ReasonNotLinux     = "not_linux"
	ReasonForeignLayer = "foreign_layer"
	ReasonNotAnImage   = "not_an_image"
	ReasonShareExpired = "share_expired"
)

// Artifact is what a tag points to, by manifest digest.
type Artifact struct {
	Digest    Digest       `json:"digest"`
	MediaType string       `json:"media_type"`
	Kind      ArtifactKind `json:"kind"`
	Platform  Platform     `json:"platform,omitzero"`

	// Size is config plus layers, compressed, in bytes; for an index the sum over its platforms.
	Size int64 `json:"size"`

	// Created is the config's own claim, zero if absent.
	Created time.Time `json:"created,omitzero"`

	Config   Descriptor   `json:"config,omitzero"`
	Layers   []Layer      `json:"layers,omitempty"`   // bottom first; of an image
	Children []Child      `json:"children,omitempty"` // of an index, in its order
	Subject  Digest       `json:"subject,omitempty"`  // what this artifact refers to
	Settings *ImageConfig `json:"-"`                  // the parsed config of an image; nil until it was read

	// Unscannable is one of the reasons above, or "".
	Unscannable string `json:"unscannable,omitempty"`
}

// Descriptor points at content, as in the OCI image specification.
type Descriptor struct {
	MediaType string `json:"media_type"`
	Digest    Digest `json:"digest"`
	Size      int64  `json:"size"`
}

// Layer is one layer of an image: the blob that is fetched and the diff ID that its config claims.
type Layer struct {
	Descriptor
	DiffID    Digest `json:"diff_id"`
	CreatedBy string `json:"created_by,omitempty"` // the history line that brought it
}

// Child is one manifest of an index.
type Child struct {
	Descriptor
	Platform    Platform `json:"platform,omitzero"`
	Unscannable string   `json:"unscannable,omitempty"`
}

// ImageConfig is the part of an OCI image config that checks read.
type ImageConfig struct {
	Platform    Platform          `json:"platform,omitzero"`
	Created     time.Time         `json:"created,omitzero"`
	User        string            `json:"user,omitempty"`
	Env         []string          `json:"env,omitempty"`
	Entrypoint  []string          `json:"entrypoint,omitempty"`
	Cmd         []string          `json:"cmd,omitempty"`
	WorkingDir  string            `json:"working_dir,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Ports       []string          `json:"ports,omitempty"`
	Volumes     []string          `json:"volumes,omitempty"`
	Healthcheck bool              `json:"healthcheck,omitempty"`
	DiffIDs     []Digest          `json:"diff_ids,omitempty"`
	History     []HistoryLine     `json:"history,omitempty"`
}

// HistoryLine is one build step of an image config.
type HistoryLine struct {
	Created   time.Time `json:"created,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
	Comment   string    `json:"comment,omitempty"`
	Empty     bool      `json:"empty,omitempty"` // brought no layer
}

// Platform says what an image runs on, as in the OCI image index.
type Platform struct {
	OS           string `json:"os,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Variant      string `json:"variant,omitempty"`
}

// String returns "os/architecture" or "os/architecture/variant".
func (p Platform) String() string {
	if p == (Platform{}) {
		return ""
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// ParsePlatform reads the form String writes.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] == "" || parts[1] == "" {
		return Platform{}, Errorf(Invalid, "platform %.80q is not os/architecture[/variant]", s)
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// Matches reports whether p is what was asked for; an absent variant in want matches any.
func (p Platform) Matches(want Platform) bool {
	return p.OS == want.OS && p.Architecture == want.Architecture &&
		(want.Variant == "" || p.Variant == want.Variant)
}

// Digest is a content digest in the form of the OCI image specification,
// "sha256:" and 64 lower-case hex digits. Other algorithms are not accepted.
type Digest string

const digestPrefix = "sha256:"

// ParseDigest checks the form of s.
func ParseDigest(s string) (Digest, error) {
	h, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(h) != sha256.Size*2 {
		return "", Errorf(Invalid, "digest %.80q is not sha256 with 64 hex digits", s)
	}
	for i := range len(h) {
		if c := h[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", Errorf(Invalid, "digest %.80q is not sha256 with 64 hex digits", s)
		}
	}
	return Digest(s), nil
}

// DigestOf returns the digest of b.
func DigestOf(b []byte) Digest {
	return DigestFrom(sha256.Sum256(b))
}

// DigestFrom turns a SHA-256 sum into a digest.
func DigestFrom(sum [sha256.Size]byte) Digest {
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

// Hex returns the hex digits without the algorithm.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

// Short returns the first 12 hex digits, for people.
func (d Digest) Short() string {
	h := d.Hex()
	return h[:min(12, len(h))]
}
