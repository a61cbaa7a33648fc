package plimsoll

import "time"

// Tenant names whose data a statement is about.
type Tenant struct {
	ProjectID         string `json:"project_id"`
	EnterpriseProject string `json:"enterprise_project_id"`
}

// ScanRecord is everything one scan learned about one artifact.
type ScanRecord struct {
	Tenant
	Digest Digest

	// ScannedAt is when bytes were inspected; zero if every layer's report was known.
	ScannedAt time.Time

	Sets       []PlacedSet
	Judgements []Judgement // one a set, in the same order
	Matcher    string      // version of the matcher that judged
	Settings   []Setting
	Accounts   []AccountSource // part of Settings: databases with passwords
	Malware    []Malware
	Secrets    []Secret
	Facts      *ImageFacts // nil keeps what was last found

	// MalwareAdds says that not every file was looked at for malware: what was found comes to what was
	// last found, of which nothing goes away.
	MalwareAdds bool

	// Failure is set if some part could not be looked at. A part (Sets with Judgements,
	// Settings, Malware, Secrets) that is nil keeps what was last found; one that is not nil, even
	// if empty, is what this scan found.
	Failure FailureCode
	Detail  string
}

// TagSeen is a tag as a source lists it or a sync resolved it.
type TagSeen struct {
	Tag      string
	Digest   Digest    // "" if the source lists names alone
	PushedAt time.Time // the registry's own push time; zero if it has none
}

// RepositoryChange is what a sync of one repository found to differ from what is stored.
type RepositoryChange struct {
	Repository string
	Artifacts  []Artifact // not stored before: those the tags point to and the members of indexes
	Tags       []TagSeen  // new or moved
	Gone       []string   // tags that are stored but not in the registry any more
}

// Empty reports whether there is nothing to write.
func (c RepositoryChange) Empty() bool {
	return len(c.Artifacts) == 0 && len(c.Tags) == 0 && len(c.Gone) == 0
}

// ImageRef names an image the way people do.
type ImageRef struct {
	Namespace  string
	Name       string
	Tag        string
	InstanceID string
}
