package plimsoll

import "crypto/sha256"

// Evidence is what packages are held against: advisories at one revision.
type Evidence struct {
	Revision Revision

	// Advisories are the records that name one of the keys asked for. Affected holds
	// only the entries of those keys, Details is left out.
	Advisories []Advisory

	// Ratings are the CVSS vectors of every stored record that names a CVE, by CVE.
	Ratings map[string][]Rating

	// Threats are what is known about attacks on those CVEs, by CVE.
	Threats map[string]Threat

	// Releases are the ecosystems, as records write them, that have any record. A
	// package of another release cannot be judged.
	Releases map[string]bool
}

// AdvisoryChanges is what imports changed between two revisions.
type AdvisoryChanges struct {
	Through Revision      // the newest revision that is looked at
	Keys    []AdvisoryKey // packages that some record said something else about
	CVEs    []string      // those whose stored CVSS vectors may be others: findings of them may be rated anew
}

// FeedRecord is one file of a feed, parsed. Its identity is the feed and the file's
// name: an advisory id may occur in several files of a feed.
type FeedRecord struct {
	File     string            // name in the feed, never a path on disk
	Hash     [sha256.Size]byte // of the file's bytes
	Replaces bool              // an older version of the file is stored
	Advisory Advisory
}
