package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"strings"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

// ImageHistory returns what happened to the vulnerabilities of an image, newest first:
// judgements that changed, and tags that moved. A change counts from when the rematch that
// found it began. The state of a running rematch is not part of it.
func (s *Store) ImageHistory(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error) {
	page := plimsoll.HistoryPage{Items: []plimsoll.HistoryEvent{}}
	t, err := s.timeline(ctx, img, f)
	if err != nil {
		return page, err
	}
	page.Items, page.Next, err = pageByKey(t.events(), f, func(e plimsoll.HistoryEvent) []string {
		return []string{newestFirstKey(e.At), e.Vulnerability, e.Ecosystem, e.Package}
	})
	return page, err
}

// ImageFindingsAt returns what was wrong with an image at an instant, by vulnerability and
// package, and since and until when. A zero time is now.
func (s *Store) ImageFindingsAt(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error) {
	if f.At.IsZero() {
		f.At = s.db.Now()
	}
	out := plimsoll.FindingsAt{At: f.At.UTC(), Items: []plimsoll.HistoryState{}}
	t, err := s.timeline(ctx, img, f)
	if err != nil {
		return out, err
	}
	var states []plimsoll.HistoryState
	if out.Known = t.knownAt(sqldb.Millis(f.At)); out.Known {
		states = t.statesAt(sqldb.Millis(f.At))
	}
	out.Items, out.Next, err = pageByKey(states, f, func(s plimsoll.HistoryState) []string {
		return []string{s.Vulnerability, s.Ecosystem, s.Package, s.Version, s.FixedVersion, string(s.Severity)}
	})
	return out, err
}

// notEnded is the end of what has not ended.
const notEnded = math.MaxInt64

// timeline is the past of one image.
type timeline struct {
	moves    []tagMove // by time; the first is when the image was first seen
	held     []heldSet // by time
	findings []pastFinding
	judged   bool // what the tag points to now was looked at
}

// tagMove is an image row that began to point to an artifact.
type tagMove struct {
	at     int64
	digest plimsoll.Digest
}

// heldSet is a package set that the image had from a time until it left. Findings of the
// image follow from it until a time that may be later, see extendUntilScanned.
type heldSet struct{ set, from, left, until int64 }

// findingBound is the beginning or end of a row of judgement.
type findingBound struct {
	at       int64
	reason   plimsoll.ChangeReason
	revision plimsoll.Revision
}

// pastFinding is a finding of a set that the image had at some time.
type pastFinding struct {
	set         int64
	state       plimsoll.HistoryState
	began, ends findingBound
}

const selectJudgedSQL = `SELECT raw_vulnerabilities IS NOT NULL FROM artifact WHERE id = ?`

func (s *Store) timeline(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (*timeline, error) {
	t := &timeline{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		tenant := img.Tenant
		a, err := artifacts.Find(ctx, tx, tenant, img.Digest)
		if err != nil {
			return err
		}
		at, err := judgement.GateOf(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, selectJudgedSQL, a.ID).Scan(&t.judged); err != nil {
			return err
		}
		if t.moves, err = readMoves(ctx, tx, tenant, img.ID); err != nil {
			return err
		}
		if t.held, err = readHeldSets(ctx, tx, tenant, img.ID); err != nil {
			return err
		}
		t.findings, err = readPastFindings(ctx, tx, img.ID, at, f.Vulnerability)
		return err
	})
	t.extendUntilScanned()
	return t, err
}

const selectMovesSQL = `SELECT from_at, digest FROM image_artifact
	WHERE image_id = ? AND project_id = ? AND enterprise_project_id = ? ORDER BY from_at`

func readMoves(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, image int64) ([]tagMove, error) {
	rows, err := tx.Query(ctx, selectMovesSQL, image, t.ProjectID, t.EnterpriseProject)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (m tagMove, err error) {
		err = rows.Scan(&m.at, &m.digest)
		return m, err
	})
}

const selectHeldSetsSQL = `SELECT set_id, from_at, COALESCE(until_at, ?) FROM image_set
	WHERE image_id = ? AND project_id = ? AND enterprise_project_id = ? ORDER BY from_at, set_id`

func readHeldSets(ctx context.Context, tx *sqldb.Tx, t plimsoll.Tenant, image int64) ([]heldSet, error) {
	rows, err := tx.Query(ctx, selectHeldSetsSQL,
		int64(notEnded), image, t.ProjectID, t.EnterpriseProject)
	return sqldb.Collect(rows, err, func(rows *sql.Rows) (h heldSet, err error) {
		err = rows.Scan(&h.set, &h.from, &h.left)
		h.until = h.left
		return h, err
	})
}

const selectPastFindingsSQL = `SELECT s.set_id, p.ecosystem, p.name, p.version, v.vulnerability, v.severity, v.score, v.fixed_version, v.advisories, v.aliases,
		COALESCE(b.started_at, 0), COALESCE(b.revision, 0), s.began, COALESCE(e.started_at, 0), COALESCE(e.revision, 0), s.ended, s.to_revision
	FROM (SELECT DISTINCT set_id FROM image_set WHERE image_id = ?) h
	CROSS JOIN set_vulnerability s
	JOIN verdict v ON v.id = s.verdict_id
	JOIN package p ON p.id = s.package_id
	LEFT JOIN rematch b ON b.id = s.from_revision
	LEFT JOIN rematch e ON e.id = s.to_revision
	WHERE s.set_id = h.set_id AND ` + judgement.BegunSQL + ` AND (s.to_revision IS NULL OR s.to_revision <> s.from_revision)`

// readPastFindings reads the findings of every set that the image ever had that are visible at
// the gate; of one vulnerability if an id is given.
func readPastFindings(ctx context.Context, tx *sqldb.Tx, image int64, at judgement.Gate, vulnerability string) ([]pastFinding, error) {
	var out []pastFinding
	rows, err := tx.Query(ctx, selectPastFindingsSQL, image, at)
	return out, sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var p pastFinding
		var advisories, aliases string
		var end sql.NullInt64
		s := &p.state
		err := rows.Scan(&p.set, &s.Ecosystem, &s.Package, &s.Version, &s.Vulnerability, &s.Severity, &s.Score, &s.FixedVersion, &advisories, &aliases,
			&p.began.at, &p.began.revision, &p.began.reason, &p.ends.at, &p.ends.revision, &p.ends.reason, &end)
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(advisories), &s.Advisories); err != nil {
			return err
		}
		if !at.HasEnded(end) {
			p.ends = findingBound{at: notEnded}
		}
		named, err := isNamed(vulnerability, *s, aliases)
		if named {
			out = append(out, p)
		}
		return err
	})
}

// isNamed reports whether a finding has the id, as canonical id, alias or advisory; "" names all.
func isNamed(id string, s plimsoll.HistoryState, aliases string) (bool, error) {
	if id == "" || strings.EqualFold(id, s.Vulnerability) {
		return true, nil
	}
	var others []string
	err := json.Unmarshal([]byte(aliases), &others)
	for _, other := range append(others, s.Advisories...) {
		if strings.EqualFold(id, other) {
			return true, err
		}
	}
	return false, err
}
