package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"plimsoll"
)

// ImageVulnerabilities returns one row for each vulnerability, package and path of an
// image, for an index also each platform. Worst severity first, then id, package, path.
// Total counts every row that matches. A zero Limit is plimsoll.MaxLimit. Scopes of
// decisions look at the image's registry, repository and tag.
func (s *Store) ImageVulnerabilities(ctx context.Context, img plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error) {
	var page plimsoll.Page[plimsoll.Placed]
	if f.Limit == 0 {
		f.Limit = plimsoll.MaxLimit
	}
	if f.Offset < 0 || f.Limit < 0 || f.Limit > plimsoll.MaxLimit {
		return page, plimsoll.Errorf(plimsoll.Invalid, "offset %d or limit %d is out of range", f.Offset, f.Limit)
	}
	match := matcherOf(f)
	var all []placedRow
	err := s.db.read(ctx, func(tx *Tx) error {
		if f.AnyID != "" {
			named, err := verdictsNamed(ctx, tx, f.AnyID)
			if err != nil {
				return err
			}
			others := match
			match = func(r placedRow) bool { return named[r.verdict] && others(r) }
		}
		list, err := imageMembers(ctx, tx, img)
		if err != nil {
			return err
		}
		r, err := rulingsOf(ctx, tx, img.ProjectID)
		if err != nil {
			return err
		}
		for _, m := range list {
			rows, err := placedRows(ctx, tx, m, ruledPlace{r, placeOf(img, m)}, match)
			if err != nil {
				return err
			}
			all = append(all, rows...)
		}
		slices.SortFunc(all, comparePlaced)
		page.Total = len(all)
		all = all[min(f.Offset, len(all)):min(f.Offset+f.Limit, len(all))]
		page.Items, err = describe(ctx, tx, all)
		return err
	})
	return page, err
}

// placedRow is what filters and order need of a vulnerability at a place.
type placedRow struct {
	verdict  int64
	pkg      plimsoll.Package
	id       string
	severity plimsoll.Severity
	urgency  plimsoll.Urgency
	os       bool
	layer    plimsoll.Digest
	path     string
	platform plimsoll.Platform
	decision *plimsoll.Decision
}

func (r placedRow) handled() bool { return r.decision != nil && r.decision.Status.Handled() }

// ruledPlace is an artifact in an image, and what was decided about the project.
type ruledPlace struct {
	*rulings
	at plimsoll.FindingPlace
}

func placeOf(img plimsoll.Image, m member) plimsoll.FindingPlace {
	return plimsoll.FindingPlace{
		EnterpriseProject: img.EnterpriseProject, RegistryID: img.RegistryID, Repository: img.Repository, Tag: img.Tag,
		Digests: []plimsoll.Digest{img.Digest, m.digest},
	}
}

func (p ruledPlace) decision(row placedRow) *plimsoll.Decision {
	p.at.Package, p.at.Set = row.pkg, plimsoll.SetLanguage
	if row.os {
		p.at.Set = plimsoll.SetOS
	}
	return p.deciding(row.verdict, p.at)
}

func comparePlaced(a, b placedRow) int {
	return cmp.Or(
		severityRank(a.severity)-severityRank(b.severity),
		strings.Compare(a.id, b.id),
		strings.Compare(a.pkg.Name, b.pkg.Name),
		strings.Compare(a.path, b.path),
		a.pkg.Compare(b.pkg),
		strings.Compare(a.platform.String(), b.platform.String()),
	)
}

func severityRank(s plimsoll.Severity) int {
	if i := slices.Index(plimsoll.Severities(), s); i >= 0 {
		return i
	}
	return len(plimsoll.Severities())
}

// matcherOf returns the test that a row passes the filter.
func matcherOf(f plimsoll.VulnerabilityFilter) func(placedRow) bool {
	part := strings.ToLower(f.IDContains)
	return func(r placedRow) bool {
		return (part == "" || strings.Contains(strings.ToLower(r.id), part)) &&
			(f.Package == "" || r.pkg.Name == f.Package) &&
			(len(f.Severities) == 0 || slices.Contains(f.Severities, r.severity)) &&
			(f.Urgency == "" || f.Urgency == r.urgency) &&
			(f.OS == nil || *f.OS == r.os) &&
			(f.Handled == nil || *f.Handled == r.handled())
	}
}

// verdictsNamed returns the verdicts that an id means.
func verdictsNamed(ctx context.Context, tx *Tx, id string) (map[int64]bool, error) {
	rows, err := tx.Query(ctx, `SELECT verdict_id FROM verdict_name WHERE name = ?`, id)
	ids, err := collect(rows, err, scanID)
	out := make(map[int64]bool, len(ids))
	for _, v := range ids {
		out[v] = true
	}
	return out, err
}

// heldPlaces is a set of an artifact with its places by package position.
type heldPlaces struct {
	set    int64
	os     bool
	places map[int][]plimsoll.Place
}

// placedRows returns the matching rows of one artifact, in no order.
func placedRows(ctx context.Context, tx *Tx, m member, ruled ruledPlace, match func(placedRow) bool) ([]placedRow, error) {
	held, err := heldPlacesOf(ctx, tx, m.artifact)
	if err != nil {
		return nil, err
	}
	layers, err := layersOf(ctx, tx, m.artifact)
	if err != nil {
		return nil, err
	}
	findings, err := setFindings(ctx, tx, m)
	if err != nil {
		return nil, err
	}
	type key struct {
		id, path    string
		pkg         plimsoll.Package
		os, handled bool // filters tell these apart, so rows do
	}
	seen := map[key]bool{}
	var out []placedRow
	for _, h := range held {
		for _, f := range findings[h.set] {
			row := f.row
			row.os, row.platform = h.os, m.platform
			row.decision = ruled.decision(row)
			if !match(row) {
				continue
			}
			places := h.places[f.position]
			if len(places) == 0 { // it counts, so it is listed
				places = []plimsoll.Place{{Layer: -1}}
			}
			for _, p := range places {
				row.path, row.layer = p.Path, layers[p.Layer]
				if k := (key{row.id, row.path, row.pkg, row.os, row.handled()}); !seen[k] {
					seen[k] = true
					out = append(out, row)
				}
			}
		}
	}
	return out, nil
}

func heldPlacesOf(ctx context.Context, tx *Tx, artifact int64) ([]heldPlaces, error) {
	rows, err := tx.Query(ctx, `SELECT h.set_id, s.kind, h.places FROM artifact_set h JOIN package_set s ON s.id = h.set_id
		WHERE h.artifact_id = ? ORDER BY h.position`, artifact)
	return collect(rows, err, func(rows *sql.Rows) (h heldPlaces, err error) {
		var kind plimsoll.SetKind
		var packed []byte
		if err := rows.Scan(&h.set, &kind, &packed); err != nil {
			return h, err
		}
		var places []plimsoll.Place
		if err := unpackJSON(packed, &places); err != nil {
			return h, err
		}
		h.os = kind == plimsoll.SetOS
		h.places = make(map[int][]plimsoll.Place, len(places))
		for _, p := range places {
			h.places[p.Package] = append(h.places[p.Package], p)
		}
		return h, nil
	})
}

// layersOf returns the diff IDs of an artifact's layers by position.
func layersOf(ctx context.Context, tx *Tx, artifact int64) (map[int]plimsoll.Digest, error) {
	out := map[int]plimsoll.Digest{}
	rows, err := tx.Query(ctx, `SELECT position, diff_id FROM artifact_layer WHERE artifact_id = ?`, artifact)
	err = each(rows, err, func(rows *sql.Rows) error {
		var position int
		var d plimsoll.Digest
		err := rows.Scan(&position, &d)
		out[position] = d
		return err
	})
	return out, err
}

// setFinding is a vulnerability of a set, before it is placed.
type setFinding struct {
	row      placedRow
	position int // of the package in the set; -1 if it is not a member
}

const sqlSetFindings = `SELECT s.set_id, COALESCE(sp.position, -1), s.verdict_id, v.vulnerability, v.severity, v.urgency,
		p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl
	FROM (SELECT DISTINCT set_id FROM artifact_set WHERE artifact_id = ?) h
	CROSS JOIN set_vulnerability s
	JOIN verdict v ON v.id = s.verdict_id
	JOIN package p ON p.id = s.package_id
	LEFT JOIN set_package sp ON sp.package_id = s.package_id AND sp.set_id = s.set_id
	WHERE s.set_id = h.set_id AND ` + inSight

// setFindings returns what is true about the sets of a member, by set.
func setFindings(ctx context.Context, tx *Tx, m member) (map[int64][]setFinding, error) {
	out := map[int64][]setFinding{}
	rows, err := tx.Query(ctx, sqlSetFindings, m.artifact, m.at, m.at)
	err = each(rows, err, func(rows *sql.Rows) error {
		var set int64
		var f setFinding
		targets := []any{&set, &f.position, &f.row.verdict, &f.row.id, &f.row.severity, &f.row.urgency}
		err := rows.Scan(append(targets, packageTargets(&f.row.pkg)...)...)
		f.row.urgency = urgencyOf(f.row.urgency, f.row.severity)
		out[set] = append(out[set], f)
		return err
	})
	return out, err
}

// urgencyOf is the stored urgency; in rows of older judgements that of the severity alone.
func urgencyOf(stored plimsoll.Urgency, s plimsoll.Severity) plimsoll.Urgency {
	if stored == "" {
		return plimsoll.Threat{}.Urgency(s)
	}
	return stored
}

// describe adds the words of the verdicts to a page of rows.
func describe(ctx context.Context, tx *Tx, page []placedRow) ([]plimsoll.Placed, error) {
	if len(page) == 0 {
		return nil, nil
	}
	var ids []any
	for _, r := range page {
		ids = append(ids, r.verdict)
	}
	words := map[int64]plimsoll.Vulnerability{}
	rows, err := tx.Query(ctx, `SELECT id, vulnerability, advisories, aliases, fixed_version, severity, score, urgency, exploited, summary, url
		FROM verdict WHERE id IN (`+marks(len(ids))+`)`, ids...)
	err = each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var v plimsoll.Vulnerability
		var advisories, aliases string
		err := rows.Scan(&id, &v.ID, &advisories, &aliases, &v.FixedVersion, &v.Severity, &v.Score, &v.Urgency, &v.Exploited, &v.Summary, &v.URL)
		if err != nil {
			return err
		}
		v.Urgency = urgencyOf(v.Urgency, v.Severity)
		if err := json.Unmarshal([]byte(advisories), &v.Advisories); err != nil {
			return err
		}
		err = json.Unmarshal([]byte(aliases), &v.Aliases)
		words[id] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]plimsoll.Placed, len(page))
	for i, r := range page {
		v := words[r.verdict]
		v.Package = r.pkg
		out[i] = plimsoll.Placed{Vulnerability: v, Platform: r.platform, Layer: r.layer, Path: r.path, OS: r.os, Decision: r.decision}
	}
	return out, nil
}
