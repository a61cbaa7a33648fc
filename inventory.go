package plimsoll

import "time"

// Tenant identifies the owner of data: a project and an enterprise project.
type Tenant struct {
	ProjectID         string `json:"project_id"`
	EnterpriseProject string `json:"enterprise_project_id"`
}

// ScanRecord is the result of one scan of one artifact.
type ScanRecord struct {
	Tenant
	Digest Digest

	// ScannedAt is the time at which bytes were inspected; zero if every layer's report was stored.
	ScannedAt time.Time

	Sets       []PlacedSet
	Judgements []Judgement // one per set, in the same order
	Matcher    string      // version of the matcher that judged
	Settings   []Setting
	Accounts   []AccountSource // part of Settings: account databases with passwords
	Malware    []Malware
	Secrets    []Secret
	Facts      *ImageFacts // nil keeps what is stored

	// Findings are those of analyzers without a type of their own, by name of the analyzer. A name
	// that is missing keeps what is stored. No such analyzer is part of the program yet, and the store
	// has no table for them: see docs/add-an-analyzer.md.
	Findings map[string][]FileFinding

	// MalwareAdds is true if not every file was searched for malware: the findings are then added to
	// the stored ones.
	MalwareAdds bool

	// Failure is set if some part is incomplete. A part (Sets with Judgements, Settings, Malware,
	// Secrets) that is nil keeps what is stored; one that is not nil, even if empty, replaces it.
	Failure FailureCode
	Detail  string
}

// TagSeen is a tag as a source lists it or a sync resolved it.
type TagSeen struct {
	Tag      string
	Digest   Digest    // "" if the source lists names alone
	PushedAt time.Time // the registry's own push time; zero if it has none
}

// RepositoryChange is the difference between a repository and what is stored of it.
type RepositoryChange struct {
	Repository string
	Artifacts  []Artifact // new: those that the tags point to, and the members of indexes
	Tags       []TagSeen  // new or moved
	Gone       []string   // tags that are stored, but are no longer in the registry
}

// Empty reports whether there is nothing to write.
func (c RepositoryChange) Empty() bool {
	return len(c.Artifacts) == 0 && len(c.Tags) == 0 && len(c.Gone) == 0
}

// ImageRef is an image's name as users write it.
type ImageRef struct {
	Namespace  string
	Name       string
	Tag        string
	InstanceID string
}
