package images

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"plimsoll"
	"plimsoll/store/artifacts"
	"plimsoll/store/backlog"
	"plimsoll/store/history"
	"plimsoll/store/sqldb"
)

// ApplySync writes what a sync of one repository found, in one transaction, and asks for
// the scans that this makes necessary. Applied twice, the second time writes nothing.
//
// The scans join the task. If it has ended, a new one like it is created, and task has its
// id then. A nil task, or a registry that does not scan
// on sync, asks for no scan.
func (s *Store) ApplySync(ctx context.Context, r plimsoll.Registry, c plimsoll.RepositoryChange, task *plimsoll.Task) error {
	if c.Empty() {
		return nil
	}
	before := plimsoll.Task{}
	if task != nil {
		before = *task
	}
	err := s.db.Write(ctx, func(tx *sqldb.Tx) error {
		a := &repositorySync{tx: tx, registry: r, change: c, now: tx.Now(),
			tenant: r.Tenant}
		if err := a.apply(ctx); err != nil {
			return err
		}
		if task == nil || !r.ScanOnSync {
			return nil
		}
		return a.askForScans(ctx, task)
	})
	if err != nil && task != nil {
		*task = before // a task that was rolled back has no id
	}
	return err
}

// repositorySync is one ApplySync at work.
type repositorySync struct {
	tx       *sqldb.Tx
	registry plimsoll.Registry
	change   plimsoll.RepositoryChange
	tenant   plimsoll.Tenant
	now      int64

	stored      map[plimsoll.Digest]artifacts.Stored // what the tags point to
	pointedTo   []plimsoll.Digest                    // what new and moved tags point to now
	orphans     []int64                              // artifacts that lost a tag or have just come
	lostDigests []plimsoll.Digest                    // digests that lost a tag
	haveTags    map[string]knownTag
	moved       []int64 // image rows that are new or point elsewhere
	anyChange   bool    // of the repository's images
}

type knownTag struct {
	id       int64
	artifact int64
	digest   plimsoll.Digest
}

func (a *repositorySync) apply(ctx context.Context) error {
	if err := a.prepare(ctx); err != nil {
		return err
	}
	for _, t := range a.change.Tags {
		if err := a.saveTag(ctx, t); err != nil {
			return err
		}
	}
	if err := a.refreshCounts(ctx); err != nil {
		return err
	}
	for _, tag := range a.change.Gone {
		if err := a.removeTag(ctx, tag); err != nil {
			return err
		}
	}
	if err := a.refreshSecrets(ctx); err != nil {
		return err
	}
	if err := history.RecordArtifacts(ctx, sqldb.NewChanges(a.tx), a.moved); err != nil {
		return err
	}
	if a.anyChange {
		if err := a.markLatest(ctx); err != nil {
			return err
		}
	}
	if err := backlog.RedirectScans(ctx, a.tx, a.tenant, a.registry.ID, a.lostDigests); err != nil {
		return err
	}
	return artifacts.DeleteUnreferenced(ctx, a.tx, a.tenant, a.orphans)
}

const selectRegistryExistsSQL = `SELECT 1 FROM registry WHERE id = ? AND project_id = ? AND enterprise_project_id = ?`

func (a *repositorySync) prepare(ctx context.Context) error {
	var one int
	err := a.tx.QueryRow(ctx, selectRegistryExistsSQL,
		a.registry.ID, a.tenant.ProjectID, a.tenant.EnterpriseProject).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return noRegistryError()
	}
	if err != nil {
		return err
	}
	if a.orphans, err = artifacts.Insert(ctx, a.tx, a.tenant, a.change.Artifacts); err != nil {
		return err
	}
	if err := artifacts.RefreshNewIndexes(ctx, sqldb.NewChanges(a.tx), a.orphans); err != nil {
		return err
	}
	digests := make([]plimsoll.Digest, len(a.change.Tags))
	for i, t := range a.change.Tags {
		digests[i] = t.Digest
	}
	if a.stored, err = artifacts.FindStored(ctx, a.tx, a.tenant, digests); err != nil {
		return err
	}
	return a.readTags(ctx)
}

const selectTagsSQL = `SELECT id, tag, digest, artifact_id FROM image
WHERE project_id = ? AND registry_id = ? AND repository = ? AND tag IN (:keys)`

func (a *repositorySync) readTags(ctx context.Context) error {
	a.haveTags = map[string]knownTag{}
	names := slices.Clone(a.change.Gone)
	for _, t := range a.change.Tags {
		names = append(names, t.Tag)
	}
	repository := []any{a.tenant.ProjectID, a.registry.ID, a.change.Repository}
	return sqldb.QueryChunks(ctx, a.tx, selectTagsSQL, repository, names, func(rows *sql.Rows) error {
		var k knownTag
		var tag string
		err := rows.Scan(&k.id, &tag, &k.digest, &k.artifact)
		a.haveTags[tag] = k
		return err
	})
}

const insertImageSQL = `
INSERT INTO image (project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag,
    digest, size, updated_at, first_seen_at, unscannable, scan_state, failure, failure_detail, scanned_at,
    vulnerabilities, settings, malware, profile, weak_accounts, weak_policy)
SELECT project_id, enterprise_project_id, ?, id, ?, ?, ?, ?, ?,
    digest, size, ?, ?, unscannable, scan_state, failure, failure_detail, scanned_at,
    raw_vulnerabilities, raw_settings, raw_malware, profile, weak_accounts, weak_policy
FROM artifact WHERE id = ? RETURNING id`

const moveImageSQL = `
UPDATE image SET (artifact_id, digest, size, unscannable, scan_state, failure, failure_detail, scanned_at,
    vulnerabilities, settings, malware, profile, weak_accounts, weak_policy) = (
    SELECT id, digest, size, unscannable, scan_state, failure, failure_detail, scanned_at,
    raw_vulnerabilities, raw_settings, raw_malware, profile, weak_accounts, weak_policy FROM artifact WHERE artifact.id = ?),
    updated_at = ?
WHERE id = ?`

// saveTag writes a tag that is new or moved. What is known of the artifact shows at once.
func (a *repositorySync) saveTag(ctx context.Context, t plimsoll.TagSeen) error {
	to, ok := a.stored[t.Digest]
	if !ok {
		// A concurrent sync removed its last tag between the question and the answer.
		return plimsoll.Errorf(plimsoll.Unavailable, "%s:%s points to %s, which is no longer stored",
			a.change.Repository, t.Tag, t.Digest.Short()).WithHint("sync again")
	}
	have, known := a.haveTags[t.Tag]
	switch {
	case known && have.digest == t.Digest:
		return nil
	case known:
		_, err := a.tx.Exec(ctx, moveImageSQL, to.ID, a.pushTime(t, a.now), have.id)
		if err != nil {
			return err
		}
		a.orphans, a.lostDigests = append(a.orphans, have.artifact), append(a.lostDigests, have.digest)
	default:
		namespace, name := plimsoll.SplitRepository(a.change.Repository)
		err := a.tx.QueryRow(ctx, insertImageSQL, a.registry.ID, a.registry.Kind.Origin(), a.change.Repository, namespace, name, t.Tag,
			a.pushTime(t, a.creationTime(to)), a.now, to.ID).Scan(&have.id)
		if err != nil {
			return err
		}
	}
	a.haveTags[t.Tag] = knownTag{id: have.id, artifact: to.ID, digest: t.Digest}
	a.pointedTo, a.moved = append(a.pointedTo, t.Digest), append(a.moved, have.id)
	a.anyChange = true
	return nil
}

// refreshCounts takes what decisions handle off the counts of new and moved tags.
func (a *repositorySync) refreshCounts(ctx context.Context) error {
	var artifacts []int64
	for _, d := range a.pointedTo {
		artifacts = append(artifacts, a.stored[d].ID)
	}
	slices.Sort(artifacts)
	return (NewWriter(a.tx)).RefreshImages(ctx, slices.Compact(artifacts))
}

// refreshSecrets follows tags that came, moved or went, while the artifacts that lost them are still stored.
func (a *repositorySync) refreshSecrets(ctx context.Context) error {
	ids := slices.Clone(a.orphans)
	for _, d := range a.pointedTo {
		ids = append(ids, a.stored[d].ID)
	}
	return RefreshSecretHolders(ctx, sqldb.NewChanges(a.tx), ids)
}

// pushTime is the registry's own time of a push; without one, or with one in the future, fallback.
func (a *repositorySync) pushTime(t plimsoll.TagSeen, fallback int64) int64 {
	if at := sqldb.Millis(t.PushedAt); at > 0 && at <= a.now {
		return at
	}
	return fallback
}

// creationTime is the time of creation in the config if that is plausible, else now.
// Reproducible builds claim 1970, or the first day of 1980, the oldest that a zip file can.
func (a *repositorySync) creationTime(s artifacts.Stored) int64 {
	oldest := time.Date(1980, 1, 2, 0, 0, 0, 0, time.UTC)
	if s.Created >= oldest.UnixMilli() && s.Created <= a.now {
		return s.Created
	}
	return a.now
}

const deleteImageSQL = `DELETE FROM image WHERE id = ?`

func (a *repositorySync) removeTag(ctx context.Context, tag string) error {
	have, known := a.haveTags[tag]
	if !known {
		return nil
	}
	delete(a.haveTags, tag)
	a.orphans, a.lostDigests = append(a.orphans, have.artifact), append(a.lostDigests, have.digest)
	a.anyChange = true
	_, err := a.tx.Exec(ctx, deleteImageSQL, have.id)
	return err
}

const inRepositorySQL = `project_id = ? AND registry_id = ? AND repository = ?`

const selectNewestImageSQL = `SELECT id FROM image WHERE ` + inRepositorySQL + ` ORDER BY updated_at DESC, id DESC LIMIT 1`

const clearLatestSQL = `UPDATE image SET latest = 0 WHERE ` + inRepositorySQL + ` AND latest = 1 AND id <> ?`

const markLatestSQL = `UPDATE image SET latest = 1 WHERE id = ? AND latest = 0`

// markLatest leaves the mark on the newest image of the repository and on no other.
func (a *repositorySync) markLatest(ctx context.Context) error {
	args := []any{a.tenant.ProjectID, a.registry.ID, a.change.Repository}
	var newest int64
	err := a.tx.QueryRow(ctx, selectNewestImageSQL, args...).Scan(&newest)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := a.tx.Exec(ctx, clearLatestSQL, append(args, newest)...); err != nil {
		return err
	}
	_, err = a.tx.Exec(ctx, markLatestSQL, newest)
	return err
}

const selectTaskStateSQL = `SELECT state FROM task WHERE id = ?`

// askForScans enqueues the artifacts of new and moved tags that were never scanned.
func (a *repositorySync) askForScans(ctx context.Context, task *plimsoll.Task) error {
	var work []plimsoll.Work
	for _, d := range a.pointedTo {
		if s := a.stored[d]; s.State != plimsoll.ScanNone || s.Unscannable != "" {
			continue
		}
		work = append(work, plimsoll.Work{
			Tenant: a.tenant,
			Kind:   plimsoll.WorkScan, Key: string(d), RegistryID: a.registry.ID, Repository: a.change.Repository,
		})
	}
	if len(work) == 0 {
		return nil
	}
	if task.ID != 0 {
		var state plimsoll.TaskState
		err := a.tx.QueryRow(ctx, selectTaskStateSQL, task.ID).Scan(&state)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if state != plimsoll.TaskRunning {
			*task = plimsoll.Task{Tenant: task.Tenant, Kind: task.Kind, By: task.By}
		}
	}
	return backlog.Enqueue(ctx, a.tx, task, work)
}

const deleteImagesSQL = `DELETE FROM image WHERE project_id = ? AND registry_id = ? RETURNING artifact_id, digest`

// deleteImages deletes the images of a registry and returns the ids and digests of their artifacts.
func deleteImages(ctx context.Context, tx *sqldb.Tx, projectID string, registryID int64) (ids []int64, digests []plimsoll.Digest, err error) {
	rows, err := tx.Query(ctx, deleteImagesSQL, projectID, registryID)
	err = sqldb.Each(rows, err, func(rows *sql.Rows) error {
		var id int64
		var d plimsoll.Digest
		err := rows.Scan(&id, &d)
		ids, digests = append(ids, id), append(digests, d)
		return err
	})
	return ids, digests, err
}
