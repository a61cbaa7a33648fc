package findings

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// SoftwarePolicy returns what software a project forbids; the default if it has no policy.
func (s *Store) SoftwarePolicy(ctx context.Context, projectID string) (rules []plimsoll.SoftwareRule, err error) {
	err = s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rules, err = readPolicy(ctx, tx, projectID)
		return err
	})
	return rules, err
}

const selectPolicySQL = `SELECT rules FROM software_policy WHERE project_id = ?`

func readPolicy(ctx context.Context, tx *sqldb.Tx, projectID string) ([]plimsoll.SoftwareRule, error) {
	var text string
	err := tx.QueryRow(ctx, selectPolicySQL, projectID).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return plimsoll.DefaultSoftwarePolicy(), nil
	}
	rules := []plimsoll.SoftwareRule{}
	if err == nil {
		err = json.Unmarshal([]byte(text), &rules)
	}
	return rules, err
}

const deleteSoftwarePolicySQL = `DELETE FROM software_policy WHERE project_id = ?`

const upsertSoftwarePolicySQL = `INSERT INTO software_policy (project_id, rules, changed_by, changed_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (project_id) DO UPDATE SET rules = excluded.rules, changed_by = excluded.changed_by, changed_at = excluded.changed_at
	WHERE software_policy.rules <> excluded.rules`

// SetSoftwarePolicy replaces the policy of a project; nil restores the default, an empty
// list forbids nothing. Lists change at once: nothing is scanned again.
func (s *Store) SetSoftwarePolicy(ctx context.Context, projectID, by string, rules []plimsoll.SoftwareRule) error {
	if err := plimsoll.ValidateSoftwarePolicy(rules); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *sqldb.Tx) error {
		if rules == nil {
			_, err := tx.Exec(ctx, deleteSoftwarePolicySQL, projectID)
			return err
		}
		_, err := tx.Exec(ctx, upsertSoftwarePolicySQL, projectID, sqldb.EncodeJSON(rules), by, tx.Now())
		return err
	})
}

// ForbiddenSoftware returns the packages of an image that its project's policy forbids, a row
// per package and place, by rule, package and path; for an index the union over its platforms.
func (s *Store) ForbiddenSoftware(ctx context.Context, img plimsoll.Image) ([]plimsoll.ForbiddenSoftware, error) {
	out := []plimsoll.ForbiddenSoftware{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		rules, err := readPolicy(ctx, tx, img.ProjectID)
		if err != nil || len(rules) == 0 {
			return err
		}
		list, err := artifacts.ImageMembers(ctx, tx, img)
		if err != nil {
			return err
		}
		for _, m := range list {
			found, err := forbiddenOf(ctx, tx, m, rules)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b plimsoll.ForbiddenSoftware) int {
		return cmp.Or(strings.Compare(a.Rule, b.Rule), a.Package.Compare(b.Package), strings.Compare(a.Path, b.Path),
			strings.Compare(string(a.Layer), string(b.Layer)), strings.Compare(a.Platform.String(), b.Platform.String()))
	})
	return slices.Compact(out), err
}

func forbiddenOf(ctx context.Context, tx *sqldb.Tx, m artifacts.Member, rules []plimsoll.SoftwareRule) ([]plimsoll.ForbiddenSoftware, error) {
	held, err := artifacts.PlacedSets(ctx, tx, m.Artifact)
	if err != nil {
		return nil, err
	}
	layers, err := artifacts.LayersByPosition(ctx, tx, m.Artifact)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(held))
	for i, h := range held {
		ids[i] = h.Set
	}
	sets, err := judgement.ReadSets(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var out []plimsoll.ForbiddenSoftware
	for _, h := range held {
		if h.Kind == plimsoll.SetDeclared {
			continue // not installed, as far as known
		}
		set := sets[h.Set]
		for i, p := range set.Packages {
			rule, forbidden := plimsoll.Forbids(rules, set.Kind, p)
			if !forbidden {
				continue
			}
			for _, place := range h.Places[i] {
				out = append(out, plimsoll.ForbiddenSoftware{
					Rule: rule.Name, Reason: rule.Reason, Package: p, Layer: layers[place.Layer], Path: place.Path, Platform: m.Platform,
				})
			}
		}
	}
	return out, nil
}
