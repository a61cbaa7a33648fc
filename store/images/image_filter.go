package images

import (
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// maxIDs bounds the record ids of one filter.
const maxIDs = 10_000

// ImageClauses turns a filter into conditions: the closed list of what can be asked.
func ImageClauses(f plimsoll.ImageFilter) (*sqldb.Clauses, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if len(f.IDs) > maxIDs {
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "%d images are named, at most %d can be", len(f.IDs), maxIDs)
	}
	c := new(sqldb.Clauses)
	c.And("i.project_id = ?", f.ProjectID)
	if f.EnterpriseProjects != nil {
		sqldb.In(c, "i.enterprise_project_id", f.EnterpriseProjects)
	}
	if len(f.IDs) > 0 {
		sqldb.In(c, "i.id", f.IDs)
	}
	if len(f.Origins) > 0 {
		sqldb.In(c, "i.origin", f.Origins)
	}
	if f.LatestOnly {
		c.And("i.latest = 1")
	}
	addNameClauses(c, f)
	addTimeClauses(c, f)
	addStateClauses(c, f)
	if f.Size > 0 {
		c.And("i.size = ?", f.Size)
	}
	c.Positive("i.malware", f.HasMalware)
	c.Positive("i.settings", f.HasSetting)
	c.Positive("i.vulnerabilities", f.HasVulnerability)
	addSettingClauses(c, f.Setting, "i.profile")
	return c, nil
}

func addNameClauses(c *sqldb.Clauses, f plimsoll.ImageFilter) {
	if f.RegistryID != 0 {
		c.And("i.registry_id = ?", f.RegistryID)
	}
	if f.Repository != "" {
		// Namespace and name follow from the path, and have an index.
		namespace, name := plimsoll.SplitRepository(f.Repository)
		c.And("i.repository = ? AND i.namespace = ? AND i.name = ?", f.Repository, namespace, name)
	}
	addRefClauses(c, f.ProjectID, plimsoll.ImageRef{Namespace: f.Namespace, Name: f.Name, Tag: f.Tag, InstanceID: f.InstanceID})
	c.Equal("i.digest", string(f.Digest))
	if f.RegistryKind != "" {
		c.And("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.kind = ?)", f.ProjectID, f.RegistryKind)
	}
	if f.InstanceName != "" {
		c.And("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.instance_name = ?)", f.ProjectID, f.InstanceName)
	}
}

// addRefClauses limits to what ref names; its empty fields do not limit.
func addRefClauses(c *sqldb.Clauses, projectID string, ref plimsoll.ImageRef) {
	c.Equal("i.namespace", ref.Namespace)
	c.Equal("i.name", ref.Name)
	c.Equal("i.tag", ref.Tag)
	if ref.InstanceID != "" {
		c.And("i.registry_id IN (SELECT s.id FROM registry s WHERE s.project_id = ? AND s.instance_id = ?)", projectID, ref.InstanceID)
	}
}

// refClauses limits a filter to what ref names.
func refClauses(f plimsoll.ImageFilter, ref plimsoll.ImageRef) (*sqldb.Clauses, error) {
	if ref == (plimsoll.ImageRef{}) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "an image is named by namespace, name and version")
	}
	c, err := ImageClauses(f)
	if err != nil {
		return nil, err
	}
	addRefClauses(c, f.ProjectID, ref)
	return c, nil
}

func addTimeClauses(c *sqldb.Clauses, f plimsoll.ImageFilter) {
	if !f.UpdatedFrom.IsZero() {
		c.And("i.updated_at >= ?", sqldb.Millis(f.UpdatedFrom))
	}
	if !f.UpdatedTo.IsZero() {
		c.And("i.updated_at <= ?", sqldb.Millis(f.UpdatedTo))
	}
	if f.ScannedFrom.IsZero() && f.ScannedTo.IsZero() {
		return
	}
	c.And("i.scanned_at > 0")
	if !f.ScannedFrom.IsZero() {
		c.And("i.scanned_at >= ?", sqldb.Millis(f.ScannedFrom))
	}
	if !f.ScannedTo.IsZero() {
		c.And("i.scanned_at <= ?", sqldb.Millis(f.ScannedTo))
	}
}

// Pending and running are read from the backlog, which alone knows them. The condition
// on the state of a unit is the same text as that of its index. It selects ids, not digests,
// so that an index of images suffices without their rows.
const selectBeingScannedSQL = `SELECT o.id FROM backlog b
    JOIN image o ON o.project_id = b.project_id AND o.digest = b.key AND o.enterprise_project_id = b.enterprise_project_id
    WHERE b.project_id = ? AND b.kind = 'scan' AND b.state IN ('pending', 'running')`

// addStateClauses limits to effective scan states.
func addStateClauses(c *sqldb.Clauses, f plimsoll.ImageFilter) {
	var stored []plimsoll.ScanState
	for _, s := range f.States {
		if s != plimsoll.ScanPending && s != plimsoll.ScanRunning && !slices.Contains(stored, s) {
			stored = append(stored, s)
		}
	}
	pending := slices.Contains(f.States, plimsoll.ScanPending)
	running := slices.Contains(f.States, plimsoll.ScanRunning)
	open := `i.id IN (` + selectBeingScannedSQL
	switch {
	case !running:
		open += ` AND b.state <> 'running'`
	case !pending:
		open += ` AND b.state = 'running'`
	}
	open += `)`
	ended := `(i.scan_state IN (` + sqldb.Marks(len(stored)) + `) AND i.id NOT IN (` + selectBeingScannedSQL + `))`
	switch {
	case len(f.States) == 0:
	case !pending && !running:
		c.And(ended, append(sqldb.Args(stored), f.ProjectID)...)
	case len(stored) == 0:
		c.And(open, f.ProjectID)
	default:
		c.And(`(`+open+` OR `+ended+`)`, slices.Concat([]any{f.ProjectID}, sqldb.Args(stored), []any{f.ProjectID})...)
	}
}

// lookupClauses turns a lookup into conditions.
func lookupClauses(l plimsoll.ImageLookup) (*sqldb.Clauses, error) {
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
			return nil, noImageError()
		}
	}
	return ImageClauses(f)
}

func noImageError() error { return plimsoll.Errorf(plimsoll.NotFound, "no such image") }

// addSettingClauses limits a filter to images with a result; of an index, with one that is its worst. column is
// i.profile, or +i.profile for a page that is not to be read by the index of profiles.
func addSettingClauses(c *sqldb.Clauses, f *plimsoll.SettingFilter, column string) {
	if f == nil {
		return
	}
	rules := new(sqldb.Clauses)
	rules.And("r.id = o.rule_id")
	rules.Equal("r.kind", string(f.Kind))
	rules.Equal("r.rule", f.Rule)
	c.And(column+` IN (SELECT o.profile_id FROM setting_rule r CROSS JOIN setting_outcome o WHERE `+rules.SQL()+` AND o.result = ?)`,
		append(rules.Args, f.Result)...)
}

// ofWholeRegistries reports whether a filter, its setting aside, selects all images of some registries: those
// whose sums are kept.
func ofWholeRegistries(f plimsoll.ImageFilter) bool {
	return len(f.IDs) == 0 && f.Repository == "" && f.Namespace == "" && f.Name == "" && f.Tag == "" && f.Digest == "" &&
		!f.LatestOnly && len(f.States) == 0 && f.Size == 0 &&
		f.UpdatedFrom.IsZero() && f.UpdatedTo.IsZero() && f.ScannedFrom.IsZero() && f.ScannedTo.IsZero() &&
		f.HasMalware == nil && f.HasSetting == nil && f.HasVulnerability == nil
}
