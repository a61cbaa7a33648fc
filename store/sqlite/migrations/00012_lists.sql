-- +goose Up

-- What lists over all images need, so that a page and its total cost what the page costs.
-- Image rows carry how many rows of each list they stand for, and their sums are kept.

-- The results of the baseline of an artifact, once for all artifacts with the same ones: the id of
-- each rule with the first letter of its result, by id ("3f12p"). Of an index, the worst of its members.
CREATE TABLE setting_profile (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    outcomes TEXT NOT NULL UNIQUE
);
CREATE TABLE setting_outcome (
    rule_id    INTEGER NOT NULL REFERENCES setting_rule (id),
    result     TEXT NOT NULL,
    profile_id INTEGER NOT NULL REFERENCES setting_profile (id) ON DELETE CASCADE,
    PRIMARY KEY (rule_id, result, profile_id)
) WITHOUT ROWID;

-- Accounts with a guessed password, in the order of lists, each account once; of an index, those of its members.
CREATE TABLE artifact_weak_account (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    position              INTEGER NOT NULL,
    account               TEXT NOT NULL,
    rule_id               INTEGER NOT NULL REFERENCES setting_rule (id),
    password              TEXT NOT NULL, -- JSON, see WeakPassword
    PRIMARY KEY (artifact_id, position)
) WITHOUT ROWID;
CREATE INDEX artifact_weak_account_name ON artifact_weak_account (artifact_id, account);

ALTER TABLE artifact ADD COLUMN profile INTEGER NOT NULL DEFAULT 0; -- see setting_profile; 0 = no result
ALTER TABLE artifact ADD COLUMN weak_accounts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artifact ADD COLUMN weak_policy INTEGER NOT NULL DEFAULT 0; -- 1 = some rule about password complexity failed
ALTER TABLE image ADD COLUMN profile INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN weak_accounts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE image ADD COLUMN weak_policy INTEGER NOT NULL DEFAULT 0;

-- The worst result of each rule over the members of an index, and with it the result of every other artifact.
CREATE TABLE migrated_index AS
SELECT artifact_id, rule, rule_id, result, passwords FROM (
    SELECT c.artifact_id, s.rule, MAX(s.rule_id) OVER (PARTITION BY c.artifact_id, s.rule) AS rule_id, s.result, s.passwords,
        ROW_NUMBER() OVER (PARTITION BY c.artifact_id, s.rule
            ORDER BY CASE s.result WHEN 'failed' THEN 3 WHEN 'not_looked' THEN 2 ELSE 1 END DESC, c.position) AS place
    FROM artifact_child c JOIN artifact a ON c.unscannable = '' AND a.project_id = c.project_id
        AND a.enterprise_project_id = c.enterprise_project_id AND a.digest = c.digest
    JOIN artifact_setting s ON s.artifact_id = a.id)
WHERE place = 1;
CREATE INDEX migrated_index_artifact ON migrated_index (artifact_id);
CREATE VIEW migrated_setting AS
SELECT artifact_id, rule, rule_id, result, passwords FROM artifact_setting
UNION ALL SELECT artifact_id, rule, rule_id, result, passwords FROM migrated_index;

CREATE TABLE migrated_profile (artifact_id INTEGER PRIMARY KEY, outcomes TEXT NOT NULL);
INSERT INTO migrated_profile (artifact_id, outcomes)
SELECT artifact_id, group_concat(rule_id || substr(result, 1, 1), '' ORDER BY rule_id) FROM artifact_setting GROUP BY artifact_id
UNION ALL
SELECT artifact_id, group_concat(rule_id || substr(result, 1, 1), '' ORDER BY rule_id) FROM migrated_index GROUP BY artifact_id;
INSERT INTO setting_profile (outcomes) SELECT DISTINCT outcomes FROM migrated_profile;
INSERT INTO setting_outcome (rule_id, result, profile_id)
SELECT DISTINCT w.rule_id, w.result, f.id FROM (
    SELECT p.id, MIN(d.artifact_id) AS artifact_id FROM setting_profile p JOIN migrated_profile d ON d.outcomes = p.outcomes GROUP BY p.id) f
JOIN migrated_setting w ON w.artifact_id = f.artifact_id;
UPDATE artifact SET profile = p.id FROM migrated_profile d JOIN setting_profile p ON p.outcomes = d.outcomes WHERE d.artifact_id = artifact.id;

INSERT INTO artifact_weak_account (artifact_id, project_id, enterprise_project_id, position, account, rule_id, password)
SELECT artifact_id, a.project_id, a.enterprise_project_id, ROW_NUMBER() OVER (PARTITION BY artifact_id ORDER BY rule, key) - 1, account, rule_id, password FROM (
    SELECT w.artifact_id, w.rule, w.rule_id, j.key, j.value ->> '$.user' AS account, j.value AS password,
        ROW_NUMBER() OVER (PARTITION BY w.artifact_id, j.value ->> '$.user' ORDER BY w.rule, j.key) AS place
    FROM migrated_setting w, json_each(w.passwords) j WHERE w.passwords <> '[]')
JOIN artifact a ON a.id = artifact_id WHERE place = 1;
UPDATE artifact SET weak_accounts = w.n FROM (SELECT artifact_id, COUNT(*) AS n FROM artifact_weak_account GROUP BY artifact_id) w
WHERE w.artifact_id = artifact.id;
UPDATE artifact SET weak_policy = 1 WHERE profile IN (
    SELECT o.profile_id FROM setting_outcome o JOIN setting_rule r ON r.id = o.rule_id WHERE o.result = 'failed' AND r.kind = 'password_complexity');
UPDATE image SET profile = a.profile, weak_accounts = a.weak_accounts, weak_policy = a.weak_policy
FROM artifact a WHERE a.id = image.artifact_id AND a.profile > 0;
DROP VIEW migrated_setting;
DROP TABLE migrated_profile;
DROP TABLE migrated_index;

CREATE INDEX setting_rule_by_rule ON setting_rule (rule);
CREATE INDEX setting_rule_by_kind ON setting_rule (kind);
CREATE INDEX image_infected ON image (project_id, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id, malware) WHERE malware > 0;
CREATE INDEX image_weak ON image (project_id, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id, weak_accounts) WHERE weak_accounts > 0;
CREATE INDEX image_weak_policy ON image (project_id, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id) WHERE weak_policy = 1;
CREATE INDEX image_by_profile ON image (project_id, profile, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id);
CREATE INDEX image_profile_scans ON image (registry_id, profile, scanned_at);

-- Sums over the images of a registry. Triggers keep them, so that no writer of image rows can forget to.
CREATE TABLE image_total (
    project_id            TEXT NOT NULL,
    registry_id           INTEGER NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    origin                TEXT NOT NULL,
    images                INTEGER NOT NULL,
    malware               INTEGER NOT NULL,
    weak_accounts         INTEGER NOT NULL,
    PRIMARY KEY (project_id, registry_id, enterprise_project_id, origin)
) WITHOUT ROWID;
INSERT INTO image_total (project_id, registry_id, enterprise_project_id, origin, images, malware, weak_accounts)
SELECT project_id, registry_id, enterprise_project_id, origin, COUNT(*), SUM(COALESCE(malware, 0)), SUM(weak_accounts)
FROM image GROUP BY project_id, registry_id, enterprise_project_id, origin;

CREATE TABLE image_profile_total (
    project_id            TEXT NOT NULL,
    registry_id           INTEGER NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    origin                TEXT NOT NULL,
    profile               INTEGER NOT NULL,
    images                INTEGER NOT NULL,
    PRIMARY KEY (project_id, registry_id, enterprise_project_id, origin, profile)
) WITHOUT ROWID;
INSERT INTO image_profile_total (project_id, registry_id, enterprise_project_id, origin, profile, images)
SELECT project_id, registry_id, enterprise_project_id, origin, profile, COUNT(*) FROM image
WHERE profile > 0 GROUP BY project_id, registry_id, enterprise_project_id, origin, profile;

-- +goose StatementBegin
CREATE TRIGGER image_total_insert AFTER INSERT ON image BEGIN
    INSERT INTO image_total (project_id, registry_id, enterprise_project_id, origin, images, malware, weak_accounts)
    VALUES (NEW.project_id, NEW.registry_id, NEW.enterprise_project_id, NEW.origin, 1, COALESCE(NEW.malware, 0), NEW.weak_accounts)
    ON CONFLICT (project_id, registry_id, enterprise_project_id, origin) DO UPDATE SET images = images + 1,
        malware = malware + excluded.malware, weak_accounts = weak_accounts + excluded.weak_accounts;
    INSERT INTO image_profile_total (project_id, registry_id, enterprise_project_id, origin, profile, images)
    SELECT NEW.project_id, NEW.registry_id, NEW.enterprise_project_id, NEW.origin, NEW.profile, 1 WHERE NEW.profile > 0
    ON CONFLICT (project_id, registry_id, enterprise_project_id, origin, profile) DO UPDATE SET images = images + 1;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER image_total_delete AFTER DELETE ON image BEGIN
    UPDATE image_total SET images = images - 1, malware = malware - COALESCE(OLD.malware, 0),
        weak_accounts = weak_accounts - OLD.weak_accounts
    WHERE project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin;
    DELETE FROM image_total WHERE images = 0
        AND project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin;
    UPDATE image_profile_total SET images = images - 1
    WHERE project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin
        AND profile = OLD.profile;
    DELETE FROM image_profile_total WHERE images = 0
        AND project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin
        AND profile = OLD.profile;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER image_total_update AFTER UPDATE OF malware, weak_accounts ON image
WHEN COALESCE(OLD.malware, 0) <> COALESCE(NEW.malware, 0) OR OLD.weak_accounts <> NEW.weak_accounts BEGIN
    UPDATE image_total SET malware = malware + COALESCE(NEW.malware, 0) - COALESCE(OLD.malware, 0),
        weak_accounts = weak_accounts + NEW.weak_accounts - OLD.weak_accounts
    WHERE project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER image_profile_update AFTER UPDATE OF profile ON image WHEN OLD.profile <> NEW.profile BEGIN
    INSERT INTO image_profile_total (project_id, registry_id, enterprise_project_id, origin, profile, images)
    SELECT NEW.project_id, NEW.registry_id, NEW.enterprise_project_id, NEW.origin, NEW.profile, 1 WHERE NEW.profile > 0
    ON CONFLICT (project_id, registry_id, enterprise_project_id, origin, profile) DO UPDATE SET images = images + 1;
    UPDATE image_profile_total SET images = images - 1
    WHERE project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin
        AND profile = OLD.profile;
    DELETE FROM image_profile_total WHERE images = 0
        AND project_id = OLD.project_id AND registry_id = OLD.registry_id AND enterprise_project_id = OLD.enterprise_project_id AND origin = OLD.origin
        AND profile = OLD.profile;
END;
-- +goose StatementEnd

-- The last segment of a path in lower case, for the filter by a part of a file's name.
ALTER TABLE artifact_malware ADD COLUMN name TEXT NOT NULL DEFAULT '';
UPDATE artifact_malware SET name = plimsoll_file_name(path);

-- Lists of secrets over all images leave out what a profile excludes (SecretProfile). The one that a project was
-- last asked with is kept, with which secrets that are; artifact.secrets counts the others.
CREATE TABLE secret_profile (
    project_id TEXT PRIMARY KEY,
    profile    TEXT NOT NULL -- JSON
);
ALTER TABLE artifact_secret ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
CREATE INDEX artifact_secret_file ON artifact_secret (project_id, path, size, owned, left_out);
ALTER TABLE artifact ADD COLUMN secrets INTEGER NOT NULL DEFAULT 0;

-- Artifacts with listed secrets that an image of a registry (local = 0) or of a client (1) leads to, by the newest inspection of those images.
CREATE TABLE secret_holder (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    local                 INTEGER NOT NULL,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    scanned_at            INTEGER NOT NULL,
    secrets               INTEGER NOT NULL,
    PRIMARY KEY (artifact_id, local)
) WITHOUT ROWID;
CREATE INDEX secret_list ON secret_holder (project_id, local, scanned_at DESC, artifact_id DESC, enterprise_project_id, secrets);
CREATE TABLE secret_total (
    project_id            TEXT NOT NULL,
    local                 INTEGER NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    secrets               INTEGER NOT NULL,
    PRIMARY KEY (project_id, local, enterprise_project_id)
) WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER secret_total_insert AFTER INSERT ON secret_holder BEGIN
    INSERT INTO secret_total (project_id, local, enterprise_project_id, secrets) VALUES (NEW.project_id, NEW.local, NEW.enterprise_project_id, NEW.secrets)
    ON CONFLICT (project_id, local, enterprise_project_id) DO UPDATE SET secrets = secrets + excluded.secrets;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER secret_total_update AFTER UPDATE OF secrets ON secret_holder BEGIN
    UPDATE secret_total SET secrets = secrets + NEW.secrets - OLD.secrets
    WHERE project_id = OLD.project_id AND local = OLD.local AND enterprise_project_id = OLD.enterprise_project_id;
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER secret_total_delete AFTER DELETE ON secret_holder BEGIN
    UPDATE secret_total SET secrets = secrets - OLD.secrets
    WHERE project_id = OLD.project_id AND local = OLD.local AND enterprise_project_id = OLD.enterprise_project_id;
END;
-- +goose StatementEnd

UPDATE artifact SET secrets = n FROM (SELECT artifact_id, COUNT(*) AS n FROM artifact_secret GROUP BY artifact_id) s WHERE s.artifact_id = artifact.id;
INSERT INTO secret_holder (artifact_id, local, project_id, enterprise_project_id, scanned_at, secrets)
SELECT a.id, t.local, a.project_id, a.enterprise_project_id, MAX(t.scanned_at), a.secrets FROM (
    SELECT i.artifact_id, i.origin = 'local' AS local, i.scanned_at FROM image i
    UNION ALL
    SELECT m.id, i.origin = 'local', i.scanned_at FROM image i JOIN artifact_child c ON c.artifact_id = i.artifact_id AND c.unscannable = ''
    JOIN artifact m ON m.project_id = c.project_id AND m.enterprise_project_id = c.enterprise_project_id AND m.digest = c.digest) t
JOIN artifact a ON a.id = t.artifact_id WHERE a.secrets > 0 GROUP BY a.id, t.local;

-- The vulnerabilities of a set in the order of lists: what the verdict says, which never changes, beside the finding.
ALTER TABLE set_vulnerability ADD COLUMN severity_rank INTEGER NOT NULL DEFAULT 4; -- place in Severities
ALTER TABLE set_vulnerability ADD COLUMN urgency TEXT NOT NULL DEFAULT '';
ALTER TABLE set_vulnerability ADD COLUMN vulnerability TEXT NOT NULL DEFAULT '';
UPDATE set_vulnerability SET vulnerability = v.vulnerability,
    severity_rank = CASE v.severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 WHEN 'low' THEN 3 WHEN 'unknown' THEN 4 ELSE 5 END,
    urgency = CASE WHEN v.urgency <> '' THEN v.urgency WHEN v.severity IN ('critical', 'high') THEN 'now' WHEN v.severity = 'low' THEN 'later' ELSE 'soon' END
FROM verdict v WHERE v.id = set_vulnerability.verdict_id;
CREATE INDEX set_vulnerability_list ON set_vulnerability (set_id, severity_rank, vulnerability, to_revision, urgency);
CREATE INDEX package_by_name ON package (name);

-- What the planner is told about the new indexes of images, as for the others.
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('image', 'image_infected', '2000 1000 2 1 1 1 1 1'),
    ('image', 'image_weak', '2000 1000 2 1 1 1 1 1'),
    ('image', 'image_weak_policy', '20000 10000 2 1 1 1 1'),
    ('image', 'image_by_profile', '100000 50000 200 1 1 1 1 1'),
    ('image', 'image_profile_scans', '100000 10000 200 2');
ANALYZE sqlite_schema;

-- +goose Down
SELECT 1;
