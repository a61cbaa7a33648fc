package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"plimsoll"
	"plimsoll/analyze/baseline"
)

// Opener is a Sealer that can read what it sealed.
type Opener interface {
	Sealer
	Open(sealed, ad []byte) ([]byte, error)
}

// ListStore keeps projects' own lists of weak passwords, and the hashes they are compared with.
type ListStore interface {
	// PasswordList returns the list of a project; one with generation 0 if it has none.
	PasswordList(ctx context.Context, projectID string) (plimsoll.PasswordList, error)

	// SetPasswordList stores the list that follows the one of the generation before, and asks for
	// the check of the project's images. Conflict: another list was stored in the meantime.
	SetPasswordList(ctx context.Context, l plimsoll.PasswordList) error

	// HashHolder returns what is known of an artifact's accounts; false if none has a password.
	HashHolder(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) (plimsoll.HashHolder, bool, error)

	// HashHolders returns the artifacts of a project after an id, in their order, at most limit.
	HashHolders(ctx context.Context, projectID string, after int64, limit int) ([]plimsoll.HashHolder, error)

	// LayerHashes returns the sealed hashes of layers, by diff ID, as a version of the analyzer kept them.
	LayerHashes(ctx context.Context, analyzer plimsoll.AnalyzerID, diffIDs []plimsoll.Digest) (map[plimsoll.Digest][]byte, error)

	// SaveListed stores what a list of the generation says of an artifact, unless the list or what is
	// known of the artifact's accounts has changed meanwhile: then it says false and writes nothing.
	SaveListed(ctx context.Context, h plimsoll.HashHolder, generation int64, s plimsoll.Setting) (saved bool, err error)
}

// PasswordLists holds the accounts of stored images against the own lists of projects. It reads no registry.
type PasswordLists struct {
	Store  ListStore
	Key    Opener
	Logger *slog.Logger
}

// Words returns the list of a project.
func (p *PasswordLists) Words(ctx context.Context, projectID string) ([]string, error) {
	_, words, err := p.list(ctx, projectID)
	return words, err
}

func (p *PasswordLists) list(ctx context.Context, projectID string) (plimsoll.PasswordList, []string, error) {
	words := []string{}
	l, err := p.Store.PasswordList(ctx, projectID)
	if err != nil || l.Sealed == nil {
		return l, words, err
	}
	plain, err := p.Key.Open(l.Sealed, l.SealedFor())
	if err != nil {
		return l, nil, fmt.Errorf("open the password list of project %s: %w", projectID, err)
	}
	if json.Unmarshal(plain, &words) != nil { // the error could quote one
		return l, nil, plimsoll.Errorf(plimsoll.Internal, "the sealed password list of project %s is not readable", projectID)
	}
	return l, words, nil
}

// SetWords replaces the list of a project; an empty one ends the check. The same list again
// changes nothing. Stored images are compared with it in the background.
func (p *PasswordLists) SetWords(ctx context.Context, projectID, by string, words []string) error {
	words, err := plimsoll.NewPasswordList(words)
	if err != nil {
		return err
	}
	l, before, err := p.list(ctx, projectID)
	if err == nil && slices.Equal(words, before) {
		return nil
	}
	if err != nil && l.Sealed == nil {
		return err
	}
	// A list that does not open any more can be replaced all the same.
	l.ProjectID, l.By, l.Generation, l.Sealed = projectID, by, l.Generation+1, nil
	if len(words) > 0 {
		plain, err := json.Marshal(words)
		if err != nil {
			return err
		}
		l.Sealed = p.Key.Seal(plain, l.SealedFor())
	}
	return p.Store.SetPasswordList(ctx, l)
}

const holdersPerBatch = 200

// Work holds all artifacts of the unit's project against its newest list. Cut off, it begins
// again: what is stored already is not written twice.
func (p *PasswordLists) Work(ctx context.Context, w plimsoll.Work) error {
	known := map[string]plimsoll.Setting{}
	n := 0
	for after := int64(0); ; {
		holders, err := p.Store.HashHolders(ctx, w.ProjectID, after, holdersPerBatch)
		if err != nil {
			return err
		}
		if len(holders) == 0 {
			p.Logger.InfoContext(ctx, "images compared with a password list", "project", w.ProjectID, "artifacts", n)
			return nil
		}
		for _, h := range holders {
			if err := p.hold(ctx, h, known); err != nil {
				return err
			}
			after = h.ArtifactID
			n++
		}
	}
}

// Check holds one artifact, which was just scanned, against its project's list.
func (p *PasswordLists) Check(ctx context.Context, t plimsoll.Tenant, d plimsoll.Digest) error {
	h, ok, err := p.Store.HashHolder(ctx, t, d)
	if err != nil || !ok {
		return err
	}
	return p.hold(ctx, h, map[string]plimsoll.Setting{})
}

// hold judges an artifact until what it judged is what is stored. known are judgements of this
// walk: images share account databases.
func (p *PasswordLists) hold(ctx context.Context, h plimsoll.HashHolder, known map[string]plimsoll.Setting) error {
	for {
		l, words, err := p.list(ctx, h.ProjectID)
		if err != nil && l.Sealed == nil {
			return err
		}
		if err != nil {
			p.Logger.ErrorContext(ctx, "a password list does not open", "project", h.ProjectID, "error", err)
		}
		key := fmt.Sprint(l.Generation, h.Sources)
		setting, ok := known[key]
		if !ok {
			if setting, err = p.judge(ctx, words, h); err != nil {
				return err
			}
			known[key] = setting
		}
		saved, err := p.Store.SaveListed(ctx, h, l.Generation, setting)
		if err != nil || saved {
			return err
		}
		if h, ok, err = p.Store.HashHolder(ctx, h.Tenant, h.Digest); err != nil || !ok {
			return err
		}
	}
}

// judge opens the hashes of the artifact's databases. An artifact of an older version is one
// with an account nothing is known of. Words are nil where the list does not open.
func (p *PasswordLists) judge(ctx context.Context, words []string, h plimsoll.HashHolder) (plimsoll.Setting, error) {
	if words == nil {
		s := baseline.ListedRule().Setting(plimsoll.SettingNotLooked)
		s.Evidence = []string{"the project's list does not open; enter it again"}
		return s, nil
	}
	if len(words) == 0 {
		return baseline.JudgeListed(ctx, nil, nil, 0)
	}
	if len(h.Sources) == 0 {
		return baseline.JudgeListed(ctx, words, nil, 1)
	}
	var layers []plimsoll.Digest
	for _, s := range h.Sources {
		layers = append(layers, s.Layer)
	}
	sealed, err := p.Store.LayerHashes(ctx, baseline.New().ID(), layers)
	if err != nil {
		return plimsoll.Setting{}, err
	}
	var hashes []plimsoll.AccountHash
	missing := 0
	for _, s := range h.Sources {
		found, err := p.open(s, sealed[s.Layer])
		if err != nil {
			p.Logger.ErrorContext(ctx, "account hashes of a layer do not open", "layer", s.Layer, "error", err)
		}
		hashes = append(hashes, found...)
		missing += max(0, s.Passwords-len(found))
	}
	return baseline.JudgeListed(ctx, words, hashes, missing)
}

func (p *PasswordLists) open(s plimsoll.AccountSource, sealed []byte) ([]plimsoll.AccountHash, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := p.Key.Open(sealed, plimsoll.LayerHashesSealedFor(s.Layer))
	if err != nil {
		return nil, fmt.Errorf("open the account hashes of layer %s: %w", s.Layer.Short(), err)
	}
	all, err := readHashes(plain)
	return slices.DeleteFunc(all, func(h plimsoll.AccountHash) bool { return h.Path != s.Path }), err
}
