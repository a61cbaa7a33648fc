package store

import (
	"slices"
	"strconv"
	"strings"

	"plimsoll"
)

// maxIDs bounds the record ids of one filter.
const maxIDs = 10_000

// clauses joins conditions on image i with AND. Every value is bound.
type clauses struct {
	sql  strings.Builder
	args []any
}

func (c *clauses) and(condition string, args ...any) {
	if c.sql.Len() > 0 {
		c.sql.WriteString(" AND ")
	}
	c.sql.WriteString(condition)
	c.args = append(c.args, args...)
}

func (c *clauses) equal(column, value string) {
	if value != "" {
		c.and(column+" = ?", value)
	}
}

func (c *clauses) positive(column string, want *bool) {
	switch {
	case want == nil:
	case *want:
		c.and(column + " > 0")
	default:
		c.and(column + " = 0") // never NULL, which is never judged
	}
}

// in limits a column to the values; an empty list that is not nil matches nothing.
func in[T any](c *clauses, column string, values []T) {
	c.and(column+" IN ("+marks(len(values))+")", anys(values)...)
}

// imageClauses turns a filter into conditions: the closed list of what can be asked.
func imageClauses(f plimsoll.ImageFilter) (*clauses, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if len(f.IDs) > maxIDs {
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "%d images are named, at most %d can be", len(f.IDs), maxIDs)
	}
	c := new(clauses)
	c.and("i.project_id = ?", f.ProjectID)
	if f.EnterpriseProjects != nil {
		in(c, "i.enterprise_project_id", f.EnterpriseProjects)
	}
	if len(f.IDs) > 0 {
		in(c, "i.id", f.IDs)
	}
	if len(f.Origins) > 0 {
		in(c, "i.origin", f.Origins)
	}
	if f.LatestOnly {
		c.and("i.latest = 1")
	}
	names(c, f)
	times(c, f)
	states(c, f)
	if f.Size > 0 {
		c.and("i.size = ?", f.Size)
	}
	c.positive("i.malware", f.HasMalware)
	c.positive("i.settings", f.HasSetting)
	c.positive("i.vulnerabilities", f.HasVulnerability)
	withSetting(c, f)
	return c, nil
}

func names(c *clauses, f plimsoll.ImageFilter) {
	if f.RegistryID != 0 {
		c.and("i.registry_id = ?", f.RegistryID)
	}
	if f.Repository != "" {
		// Namespace and name follow from the path, and have an index.
		namespace, name := plimsoll.SplitRepository(f.Repository)
		c.and("i.repository = ? AND i.namespace = ? AND i.name = ?", f.Repository, namespace, name)
	}
	called(c, f.ProjectID, plimsoll.ImageRef{Namespace: f.Namespace, Name: f.Name, Tag: f.Tag, InstanceID: f.InstanceID})
	c.equal("i.digest", string(f.Digest))
	if f.RegistryKind != "" {
		c.and("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.kind = ?)", f.ProjectID, f.RegistryKind)
	}
	if f.InstanceName != "" {
		c.and("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.instance_name = ?)", f.ProjectID, f.InstanceName)
	}
}

// called limits to what ref names; its empty fields do not limit.
func called(c *clauses, projectID string, ref plimsoll.ImageRef) {
	c.equal("i.namespace", ref.Namespace)
	c.equal("i.name", ref.Name)
	c.equal("i.tag", ref.Tag)
	if ref.InstanceID != "" {
		c.and("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.instance_id = ?)", projectID, ref.InstanceID)
	}
}

// refClauses limits a filter to what ref names.
func refClauses(f plimsoll.ImageFilter, ref plimsoll.ImageRef) (*clauses, error) {
	if ref == (plimsoll.ImageRef{}) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "an image is named by namespace, name and version")
	}
	c, err := imageClauses(f)
	if err != nil {
		return nil, err
	}
	called(c, f.ProjectID, ref)
	return c, nil
}

func times(c *clauses, f plimsoll.ImageFilter) {
	if !f.UpdatedFrom.IsZero() {
		c.and("i.updated_at >= ?", millis(f.UpdatedFrom))
	}
	if !f.UpdatedTo.IsZero() {
		c.and("i.updated_at <= ?", millis(f.UpdatedTo))
	}
	if f.ScannedFrom.IsZero() && f.ScannedTo.IsZero() {
		return
	}
	c.and("i.scanned_at > 0")
	if !f.ScannedFrom.IsZero() {
		c.and("i.scanned_at >= ?", millis(f.ScannedFrom))
	}
	if !f.ScannedTo.IsZero() {
		c.and("i.scanned_at <= ?", millis(f.ScannedTo))
	}
}

// Pending and running are read from the backlog, which alone knows them. The condition
// on the state of a unit is that of its index, word for word. Ids, not digests, so that
// an index of images answers without their rows.
const beingScanned = `SELECT o.id FROM backlog b
    JOIN image o ON o.project_id = b.project_id AND o.digest = b.key AND o.enterprise_project_id = b.enterprise_project_id
    WHERE b.project_id = ? AND b.kind = 'scan' AND b.state IN ('pending', 'queued', 'running')`

// states limits to effective scan states.
func states(c *clauses, f plimsoll.ImageFilter) {
	var stored []plimsoll.ScanState
	for _, s := range f.States {
		if s != plimsoll.ScanPending && s != plimsoll.ScanRunning && !slices.Contains(stored, s) {
			stored = append(stored, s)
		}
	}
	pending := slices.Contains(f.States, plimsoll.ScanPending)
	running := slices.Contains(f.States, plimsoll.ScanRunning)
	open := `i.id IN (` + beingScanned
	switch {
	case !running:
		open += ` AND b.state <> 'running'`
	case !pending:
		open += ` AND b.state = 'running'`
	}
	open += `)`
	ended := `(i.scan_state IN (` + marks(len(stored)) + `) AND i.id NOT IN (` + beingScanned + `))`
	switch {
	case len(f.States) == 0:
	case !pending && !running:
		c.and(ended, append(anys(stored), f.ProjectID)...)
	case len(stored) == 0:
		c.and(open, f.ProjectID)
	default:
		c.and(`(`+open+` OR `+ended+`)`, slices.Concat([]any{f.ProjectID}, anys(stored), []any{f.ProjectID})...)
	}
}

// lookupClauses turns a lookup into conditions.
func lookupClauses(l plimsoll.ImageLookup) (*clauses, error) {
	f := plimsoll.ImageFilter{
		ProjectID: l.ProjectID, EnterpriseProjects: l.EnterpriseProjects, Origins: l.Origins,
		Namespace: l.Ref.Namespace, Name: l.Ref.Name, Tag: l.Ref.Tag, InstanceID: l.Ref.InstanceID,
	}
	if l.ID == "" && l.Ref == (plimsoll.ImageRef{}) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "an image is named by its id, its image id, or namespace, name and version")
	}
	if l.ID != "" {
		if d, err := plimsoll.ParseDigest("sha256:" + strings.TrimPrefix(l.ID, "sha256:")); err == nil {
			f.Digest = d
		} else if id, err := strconv.ParseInt(l.ID, 10, 64); err == nil {
			f.IDs = []int64{id}
		} else {
			return nil, noImage()
		}
	}
	return imageClauses(f)
}

func noImage() error { return plimsoll.Errorf(plimsoll.NotFound, "no such image") }
