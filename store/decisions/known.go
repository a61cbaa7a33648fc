package decisions

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"plimsoll"
	"plimsoll/store/judgement"
	"plimsoll/store/sqldb"
)

const selectKnownDigestSQL = `SELECT COUNT(*) FROM artifact WHERE project_id = ? AND digest = ? AND (? = '' OR enterprise_project_id = ?)`

const selectKnownRepositoriesSQL = `SELECT DISTINCT r.id, r.url, i.repository FROM image i JOIN registry r ON r.id = i.registry_id
	WHERE i.project_id = ? AND (? = '' OR i.enterprise_project_id = ?) ORDER BY r.id, i.repository`

// KnownProducts returns what VEX documents can refer to in a project, or in one enterprise
// project of it: which of the digests are artifacts, and every repository with its registry.
func (s *Store) KnownProducts(ctx context.Context, t plimsoll.Tenant, digests []plimsoll.Digest) (plimsoll.KnownProducts, error) {
	out := plimsoll.KnownProducts{Digests: map[plimsoll.Digest]bool{}}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		for _, d := range digests {
			var n int
			err := tx.QueryRow(ctx, selectKnownDigestSQL,
				t.ProjectID, d, t.EnterpriseProject, t.EnterpriseProject).Scan(&n)
			if err != nil {
				return err
			}
			out.Digests[d] = n > 0
		}
		rows, err := tx.Query(ctx, selectKnownRepositoriesSQL,
			t.ProjectID, t.EnterpriseProject, t.EnterpriseProject)
		out.Repositories, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (r plimsoll.KnownRepository, err error) {
			err = rows.Scan(&r.RegistryID, &r.URL, &r.Path)
			return r, err
		})
		return err
	})
	return out, err
}

const selectKnownImagesSQL = `SELECT i.registry_id, r.url, i.repository, i.digest, i.tag, i.enterprise_project_id
	FROM image i JOIN registry r ON r.id = i.registry_id WHERE i.artifact_id IN (:keys) ORDER BY i.id`

// maxDecided bounds the images that DecidedImages returns.
const maxDecided = 10_000

// DecidedImages returns the images that a decision is about, one an artifact of a
// repository: those in its scope, of a decision about the whole project or a registry
// those with the finding. More than 10,000 are TooLarge.
func (s *Store) DecidedImages(ctx context.Context, d plimsoll.Decision) ([]plimsoll.KnownImage, error) {
	var out []plimsoll.KnownImage
	seen := map[plimsoll.KnownImage]bool{}
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		artifacts, err := affectedArtifacts(ctx, tx, []dueDecision{{Decision: d}})
		if err != nil {
			return err
		}
		return sqldb.EachChunk(artifacts, func(part []int64) error {
			err := sqldb.QueryChunks(ctx, tx, selectKnownImagesSQL, nil, part, func(rows *sql.Rows) error {
				var k plimsoll.KnownImage
				var tag, ep string
				err := rows.Scan(&k.RegistryID, &k.URL, &k.Path, &k.Digest, &tag, &ep)
				inside := (d.EnterpriseProject == "" || d.EnterpriseProject == ep) && (d.Scope.Digest == "" || d.Scope.Digest == k.Digest) &&
					(d.Scope.RegistryID == 0 || d.Scope.RegistryID == k.RegistryID) && (d.Scope.Tag == "" || d.Scope.Tag == tag)
				if inside && !seen[k] {
					seen[k] = true
					out = append(out, k)
				}
				return err
			})
			if err != nil {
				return err
			}
			if len(out) > maxDecided {
				return plimsoll.Errorf(plimsoll.TooLarge, "decision %d is about more than %d images", d.ID, maxDecided).
					WithHint("export an image at a time")
			}
			return nil
		})
	})
	return out, err
}

const selectProjectVulnerabilitiesSQL = `SELECT DISTINCT v.vulnerability FROM (
		SELECT DISTINCT h.set_id FROM artifact_set h JOIN package_set k ON k.id = h.set_id
		WHERE h.project_id = ? AND (? = '' OR h.enterprise_project_id = ?) AND (? = '' OR k.kind = ?) AND k.kind <> 'declared') t
	CROSS JOIN set_vulnerability s CROSS JOIN verdict v
	WHERE s.set_id = t.set_id AND ` + judgement.InSightSQL + ` AND v.id = s.verdict_id ORDER BY v.vulnerability`

// ProjectVulnerabilities returns the canonical ids found in any image of a tenant (an
// empty enterprise project is the whole project), in packages of a kind ("" = any), sorted.
func (s *Store) ProjectVulnerabilities(ctx context.Context, t plimsoll.Tenant, kind plimsoll.SetKind) ([]string, error) {
	var ids []string
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		at, err := judgement.OpenGate(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectProjectVulnerabilitiesSQL, t.ProjectID, t.EnterpriseProject, t.EnterpriseProject, kind, kind, at, at)
		ids, err = sqldb.Collect(rows, err, func(rows *sql.Rows) (id string, err error) { return id, rows.Scan(&id) })
		return err
	})
	return ids, err
}

// VulnerabilitiesNamed returns the vulnerabilities of the images of a project, in the given
// enterprise projects (nil = every one), by an id: a canonical id, alias or advisory. Each
// canonical id is returned once, with all its advisories and its highest score, without a package.
func (s *Store) VulnerabilitiesNamed(ctx context.Context, projectID string, enterpriseProjects []string, id string) ([]plimsoll.Vulnerability, error) {
	var out []plimsoll.Vulnerability
	err := s.db.Read(ctx, func(tx *sqldb.Tx) error {
		at, err := judgement.OpenGate(ctx, tx)
		if err != nil {
			return err
		}
		c := new(sqldb.Clauses)
		c.And(judgement.InSightSQL, at, at)
		c.And(judgement.CountedSQL)
		c.And("h.project_id = ?", projectID)
		if enterpriseProjects != nil {
			sqldb.In(c, "h.enterprise_project_id", enterpriseProjects)
		}
		rows, err := tx.Query(ctx, `SELECT v.vulnerability, v.advisories, v.score FROM verdict_name n JOIN verdict v ON v.id = n.verdict_id
			WHERE n.name = ? AND EXISTS (SELECT 1 FROM set_vulnerability s CROSS JOIN artifact_set h
				WHERE s.verdict_id = v.id AND h.set_id = s.set_id AND `+c.SQL()+`)
			ORDER BY v.vulnerability`, append([]any{id}, c.Args...)...)
		return sqldb.Each(rows, err, func(rows *sql.Rows) error {
			var v plimsoll.Vulnerability
			var advisories string
			if err := rows.Scan(&v.ID, &advisories, &v.Score); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(advisories), &v.Advisories); err != nil {
				return err
			}
			if last := len(out) - 1; last >= 0 && out[last].ID == v.ID {
				out[last].Advisories = append(out[last].Advisories, v.Advisories...)
				out[last].Score = max(out[last].Score, v.Score)
				return nil
			}
			out = append(out, v)
			return nil
		})
	})
	for i := range out {
		slices.Sort(out[i].Advisories)
		out[i].Advisories = slices.Compact(out[i].Advisories)
	}
	return out, err
}
