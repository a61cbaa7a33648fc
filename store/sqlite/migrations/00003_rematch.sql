-- +goose Up

-- Every walk that judges stored sets anew, in order. from_revision and to_revision of
-- set_vulnerability are ids of this table; 0 is "since the set was stored". What a rematch
-- that has not finished wrote is not in sight, but for artifacts counted by it.
CREATE TABLE rematch (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    matcher     TEXT NOT NULL,    -- version
    revision    INTEGER NOT NULL, -- of the advisories
    started_at  INTEGER NOT NULL,
    finished_at INTEGER           -- NULL = runs, or was overtaken
);

-- Revisions of before keep their numbers. Which matcher they were of is not known any
-- more, so the next start judges everything once.
INSERT INTO rematch (id, matcher, revision, started_at, finished_at)
SELECT r, '', r, 0, 0 FROM (
    SELECT from_revision AS r FROM set_vulnerability
    UNION SELECT to_revision FROM set_vulnerability WHERE to_revision IS NOT NULL
    UNION SELECT current_through FROM matcher_state) WHERE r > 0;
DROP TABLE matcher_state;

-- Why a row began and ended, see ChangeReason; '' = with its set, or not known.
ALTER TABLE set_vulnerability ADD COLUMN began TEXT NOT NULL DEFAULT '';
ALTER TABLE set_vulnerability ADD COLUMN ended TEXT NOT NULL DEFAULT '';

-- The rematch that the counts and lists of an artifact are of, if the last finished one is older.
ALTER TABLE artifact ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;

-- What a rematch still has to do: sets that a scan stored meanwhile, judged by something older,
-- sets whose holders are to be counted, and artifacts that a scan changed meanwhile.
CREATE TABLE set_behind (set_id INTEGER PRIMARY KEY REFERENCES package_set (id) ON DELETE CASCADE);
CREATE TABLE set_recount (set_id INTEGER PRIMARY KEY REFERENCES package_set (id) ON DELETE CASCADE);
CREATE TABLE artifact_recount (artifact_id INTEGER PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE);

-- What an image row pointed to, from a time until the next row.
CREATE TABLE image_artifact (
    image_id              INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    from_at               INTEGER NOT NULL,
    digest                TEXT NOT NULL,
    PRIMARY KEY (image_id, from_at)
) WITHOUT ROWID;

-- The package sets that an image held; of an index, those of its members.
CREATE TABLE image_set (
    image_id              INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    set_id                INTEGER NOT NULL REFERENCES package_set (id),
    from_at               INTEGER NOT NULL,
    until_at              INTEGER, -- NULL = still
    PRIMARY KEY (image_id, set_id, from_at)
) WITHOUT ROWID;

INSERT INTO image_artifact (image_id, project_id, enterprise_project_id, from_at, digest)
SELECT id, project_id, enterprise_project_id, first_seen_at, digest FROM image;
INSERT INTO image_set (image_id, project_id, enterprise_project_id, set_id, from_at)
SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id, MAX(i.first_seen_at, i.scanned_at)
FROM image i JOIN artifact_set h ON h.artifact_id = i.artifact_id
UNION
SELECT i.id, i.project_id, i.enterprise_project_id, h.set_id, MAX(i.first_seen_at, i.scanned_at)
FROM image i JOIN artifact_child c ON c.artifact_id = i.artifact_id AND c.unscannable = ''
JOIN artifact a ON a.project_id = c.project_id AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
JOIN artifact_set h ON h.artifact_id = a.id;

-- +goose Down
SELECT 1;
