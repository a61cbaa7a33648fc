package plimsoll

import "time"

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
