package plimsoll

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// RuleListedPassword is the rule that holds passwords against a project's own list. Its
// result depends on the project, so no scan record has it: it is stored beside.
const RuleListedPassword = "password.listed"

// Bounds of a project's own list.
const (
	MaxListedPasswords = 300
	MaxListedPassword  = 128 // bytes; a longer one fits no hash
)

// Bounds of what is kept of one account database for such lists.
const (
	MaxAccountHashes = 200 // accounts
	MaxAccountHash   = 512 // bytes; crypt(3) makes at most 384
)

// AccountHash is the hash of an account's password. Between the pass that reads it and the
// sealing it is in memory alone; what is printed of it is not the hash.
type AccountHash struct {
	Path    string // database, in the layer
	User    string
	Hash    Hidden
	Changed int64 // day of the last change since 1970; 0 = not said
}

// Hidden is a text that is not printed, whatever the verb, nor written as JSON.
type Hidden string

// Format prints that something is hidden.
func (Hidden) Format(f fmt.State, _ rune) { fmt.Fprint(f, "(hidden)") } //nolint:errcheck // fmt keeps the error

// MarshalText hides the text from encoders.
func (Hidden) MarshalText() ([]byte, error) { return []byte("(hidden)"), nil }

// AccountSource is an account database as an image sees it: the layer that brought it, and how many
// of its accounts have a password.
type AccountSource struct {
	Layer     Digest `json:"layer"` // diff ID
	Path      string `json:"path"`  // in the layer
	Passwords int    `json:"passwords"`
}

// HashHolder is an artifact in which some account has a password.
type HashHolder struct {
	Tenant
	ArtifactID int64
	Digest     Digest

	// Sources is empty where it is not known which: the scan was of a version that kept none.
	Sources []AccountSource
}

// LayerHashesSealedFor is the additional data that the hashes of a layer are sealed with.
func LayerHashesSealedFor(diffID Digest) []byte { return []byte("account hash/" + string(diffID)) }

// PasswordList is what a project holds to be weak passwords, sealed.
type PasswordList struct {
	ProjectID  string
	Generation int64  // grows with each change; 0 = there was none yet
	Sealed     []byte // JSON array of strings; nil = no list
	By         string // who changed it
	ChangedAt  time.Time
}

// SealedFor is the additional data that the list is sealed with: it opens for this project only.
func (l PasswordList) SealedFor() []byte { return []byte("password list/" + l.ProjectID) }

// NewPasswordList checks the bounds of a list and drops words that come twice. Its errors do not name words.
func NewPasswordList(words []string) ([]string, error) {
	if len(words) > MaxListedPasswords {
		return nil, Errorf(Invalid, "%d passwords, at most %d are possible", len(words), MaxListedPasswords)
	}
	out := []string{}
	for i, w := range words {
		if w == "" || len(w) > MaxListedPassword || !utf8.ValidString(w) || strings.ContainsFunc(w, unicode.IsControl) {
			return nil, Errorf(Invalid, "password %d of the list is empty, longer than %d bytes, or no plain text", i+1, MaxListedPassword)
		}
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out, nil
}
