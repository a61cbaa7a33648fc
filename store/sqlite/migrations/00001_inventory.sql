-- +goose Up

-- Times are int64 milliseconds since 1970 UTC. Digests are "sha256:…".
-- Every tenant table names its project and enterprise project.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Who may ask.

CREATE TABLE domain (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) WITHOUT ROWID;

CREATE TABLE project (
    id         TEXT PRIMARY KEY,
    domain_id  TEXT NOT NULL REFERENCES domain (id),
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) WITHOUT ROWID;

CREATE TABLE enterprise_project (
    domain_id  TEXT NOT NULL REFERENCES domain (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (domain_id, id)
) WITHOUT ROWID;

CREATE TABLE user (
    id            TEXT PRIMARY KEY,
    domain_id     TEXT NOT NULL REFERENCES domain (id),
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) WITHOUT ROWID;

CREATE TABLE user_grant (
    user_id               TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    enterprise_project_id TEXT NOT NULL, -- '' = all of the project
    role                  TEXT NOT NULL,
    PRIMARY KEY (user_id, project_id, enterprise_project_id)
) WITHOUT ROWID;

CREATE TABLE access_key (
    access        TEXT PRIMARY KEY,
    user_id       TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    sealed_secret BLOB NOT NULL,
    description   TEXT NOT NULL DEFAULT '',
    created_at    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_key_user ON access_key (user_id);

CREATE TABLE token (
    hash       TEXT PRIMARY KEY, -- hex SHA-256 of what the client holds
    user_id    TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL DEFAULT '', -- '' = not scoped
    issued_at  INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX token_user ON token (user_id);
CREATE INDEX token_expiry ON token (expires_at);

-- Where images come from.

CREATE TABLE registry (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    name                  TEXT NOT NULL,
    url                   TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    origin                TEXT NOT NULL,
    username              TEXT NOT NULL DEFAULT '',
    sealed_secret         BLOB,
    auth_hosts            TEXT NOT NULL DEFAULT '[]', -- JSON
    repositories          TEXT,                       -- JSON; NULL = ask the catalog
    scan_on_sync          INTEGER NOT NULL DEFAULT 1,
    shared_bytes          INTEGER NOT NULL DEFAULT 0,
    instance_id           TEXT NOT NULL DEFAULT '',
    instance_name         TEXT NOT NULL DEFAULT '',
    instance_url          TEXT NOT NULL DEFAULT '',
    owner                 TEXT NOT NULL DEFAULT '',
    share_expires_at      INTEGER NOT NULL DEFAULT 0,
    created_at            INTEGER NOT NULL,
    UNIQUE (project_id, name)
);

-- What a tag points to. Counts here are raw: before anybody's decisions.

CREATE TABLE artifact (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    digest                TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    media_type            TEXT NOT NULL,
    os                    TEXT NOT NULL DEFAULT '',
    architecture          TEXT NOT NULL DEFAULT '',
    variant               TEXT NOT NULL DEFAULT '',
    size                  INTEGER NOT NULL,
    created_at            INTEGER NOT NULL DEFAULT 0, -- the config's claim
    config_media_type     TEXT NOT NULL DEFAULT '',
    config_digest         TEXT NOT NULL DEFAULT '',
    config_size           INTEGER NOT NULL DEFAULT 0,
    config                TEXT,                       -- JSON of the parsed config, values of ENV left out
    subject               TEXT NOT NULL DEFAULT '',
    unscannable           TEXT NOT NULL DEFAULT '',
    scan_state            TEXT NOT NULL DEFAULT 'none',
    failure               TEXT NOT NULL DEFAULT '',
    failure_detail        TEXT NOT NULL DEFAULT '',
    scanned_at            INTEGER NOT NULL DEFAULT 0,
    raw_vulnerabilities   INTEGER,                    -- NULL = never judged
    raw_settings          INTEGER,
    raw_malware           INTEGER,
    UNIQUE (project_id, enterprise_project_id, digest)
);

CREATE TABLE artifact_layer (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    position              INTEGER NOT NULL, -- 0 = bottom
    blob_digest           TEXT NOT NULL,
    diff_id               TEXT NOT NULL,    -- as the config claims
    media_type            TEXT NOT NULL,
    size                  INTEGER NOT NULL,
    created_by            TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (artifact_id, position)
) WITHOUT ROWID;

-- Members of an index. A member is an artifact of its own once it was read.
CREATE TABLE artifact_child (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    position              INTEGER NOT NULL,
    digest                TEXT NOT NULL,
    media_type            TEXT NOT NULL,
    size                  INTEGER NOT NULL,
    os                    TEXT NOT NULL DEFAULT '',
    architecture          TEXT NOT NULL DEFAULT '',
    variant               TEXT NOT NULL DEFAULT '',
    unscannable           TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (artifact_id, position)
) WITHOUT ROWID;
CREATE INDEX artifact_child_digest ON artifact_child (project_id, enterprise_project_id, digest);

-- One row of the inventory. Counts here are the shown ones.

CREATE TABLE image (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    registry_id           INTEGER NOT NULL REFERENCES registry (id) ON DELETE CASCADE,
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id),
    origin                TEXT NOT NULL,
    repository            TEXT NOT NULL,
    namespace             TEXT NOT NULL,
    name                  TEXT NOT NULL,
    tag                   TEXT NOT NULL,
    digest                TEXT NOT NULL,
    size                  INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    first_seen_at         INTEGER NOT NULL,
    latest                INTEGER NOT NULL DEFAULT 0,
    unscannable           TEXT NOT NULL DEFAULT '',
    scan_state            TEXT NOT NULL DEFAULT 'none', -- pending and running stand in the backlog, not here
    failure               TEXT NOT NULL DEFAULT '',
    failure_detail        TEXT NOT NULL DEFAULT '',
    scanned_at            INTEGER NOT NULL DEFAULT 0,
    vulnerabilities       INTEGER,                      -- NULL = never judged
    settings              INTEGER,
    malware               INTEGER,
    UNIQUE (project_id, registry_id, repository, tag)
);
-- The list and its count read nothing but this index for most filters.
CREATE INDEX image_list ON image (project_id, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id,
    scan_state, vulnerabilities, settings, malware, scanned_at, latest);
CREATE INDEX image_latest ON image (project_id, updated_at DESC, id DESC, origin, enterprise_project_id, registry_id) WHERE latest = 1;
CREATE INDEX image_by_namespace ON image (project_id, namespace, updated_at DESC, id DESC, origin, enterprise_project_id);
CREATE INDEX image_by_name ON image (project_id, name, namespace, tag);
CREATE INDEX image_by_digest ON image (project_id, digest, enterprise_project_id);
CREATE INDEX image_by_tag ON image (project_id, tag);
CREATE INDEX image_by_size ON image (project_id, size);
CREATE INDEX image_by_artifact ON image (artifact_id);

-- What was found in the bytes, by content.

CREATE TABLE layer_report (
    diff_id    TEXT NOT NULL,
    analyzer   TEXT NOT NULL,
    version    TEXT NOT NULL,
    report     BLOB NOT NULL, -- zstd of JSON
    created_at INTEGER NOT NULL,
    PRIMARY KEY (diff_id, analyzer, version)
) WITHOUT ROWID;

-- A project holds a row here only if its own verified pass turned this blob into this diff ID.
-- The enterprise project is the one that proved it first.
CREATE TABLE layer_proof (
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    blob_digest           TEXT NOT NULL,
    diff_id               TEXT NOT NULL,
    created_at            INTEGER NOT NULL,
    PRIMARY KEY (project_id, blob_digest, diff_id)
) WITHOUT ROWID;

CREATE TABLE package (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    ecosystem      TEXT NOT NULL, -- OSV, with release suffix
    name           TEXT NOT NULL,
    version        TEXT NOT NULL,
    source         TEXT NOT NULL DEFAULT '',
    source_version TEXT NOT NULL DEFAULT '',
    arch           TEXT NOT NULL DEFAULT '',
    purl           TEXT NOT NULL DEFAULT '',
    UNIQUE (ecosystem, name, version, source, source_version, arch, purl)
);
CREATE INDEX package_by_source ON package (ecosystem, source);

CREATE TABLE package_set (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    hash       TEXT NOT NULL UNIQUE, -- hex SHA-256, see PackageSet.Hash
    kind       TEXT NOT NULL,
    packages   INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);

CREATE TABLE set_package (
    set_id     INTEGER NOT NULL REFERENCES package_set (id) ON DELETE CASCADE,
    package_id INTEGER NOT NULL REFERENCES package (id),
    position   INTEGER NOT NULL, -- in the order of the set
    PRIMARY KEY (set_id, position)
) WITHOUT ROWID;
CREATE INDEX set_package_sets ON set_package (package_id, set_id);

-- What is wrong with it. A verdict is content: the same words are stored once.

CREATE TABLE verdict (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    hash          TEXT NOT NULL UNIQUE,
    vulnerability TEXT NOT NULL, -- canonical id
    advisories    TEXT NOT NULL, -- JSON list of ids
    aliases       TEXT NOT NULL, -- JSON list of ids
    fixed_version TEXT NOT NULL DEFAULT '',
    severity      TEXT NOT NULL,
    score         REAL NOT NULL DEFAULT 0,
    summary       TEXT NOT NULL DEFAULT '',
    url           TEXT NOT NULL DEFAULT ''
);
CREATE INDEX verdict_vulnerability ON verdict (vulnerability);

CREATE TABLE set_vulnerability (
    set_id        INTEGER NOT NULL REFERENCES package_set (id) ON DELETE CASCADE,
    package_id    INTEGER NOT NULL REFERENCES package (id),
    verdict_id    INTEGER NOT NULL REFERENCES verdict (id),
    matcher       TEXT NOT NULL,
    from_revision INTEGER NOT NULL,
    to_revision   INTEGER,          -- NULL = still true
    PRIMARY KEY (set_id, package_id, verdict_id, from_revision)
) WITHOUT ROWID;
CREATE INDEX set_vulnerability_verdict ON set_vulnerability (verdict_id, set_id);

CREATE TABLE set_not_judged (
    set_id     INTEGER NOT NULL REFERENCES package_set (id) ON DELETE CASCADE,
    package_id INTEGER NOT NULL REFERENCES package (id),
    reason     TEXT NOT NULL,
    PRIMARY KEY (set_id, package_id)
) WITHOUT ROWID;

-- Every set is judged through this revision by this matcher.
CREATE TABLE matcher_state (
    matcher         TEXT PRIMARY KEY,
    current_through INTEGER NOT NULL
) WITHOUT ROWID;

-- What an artifact holds.

CREATE TABLE artifact_set (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    set_id                INTEGER NOT NULL REFERENCES package_set (id),
    position              INTEGER NOT NULL,
    places                BLOB NOT NULL, -- zstd of JSON, see Place
    PRIMARY KEY (artifact_id, position)
) WITHOUT ROWID;
CREATE INDEX artifact_set_artifacts ON artifact_set (set_id, artifact_id);

CREATE TABLE artifact_setting (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    rule                  TEXT NOT NULL,
    title                 TEXT NOT NULL,
    severity              TEXT NOT NULL,
    result                TEXT NOT NULL,
    advice                TEXT NOT NULL,
    evidence              TEXT NOT NULL, -- JSON
    PRIMARY KEY (artifact_id, rule)
) WITHOUT ROWID;

CREATE TABLE artifact_malware (
    artifact_id           INTEGER NOT NULL REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    path                  TEXT NOT NULL,
    layer                 TEXT NOT NULL, -- diff ID
    rule                  TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    engine                TEXT NOT NULL,
    size                  INTEGER NOT NULL,
    sha256                TEXT NOT NULL,
    shadowed              INTEGER NOT NULL,
    PRIMARY KEY (artifact_id, path, layer, rule)
) WITHOUT ROWID;

-- Work.

CREATE TABLE task (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    requested_by          TEXT NOT NULL,
    state                 TEXT NOT NULL,
    total                 INTEGER NOT NULL DEFAULT 0,
    done                  INTEGER NOT NULL DEFAULT 0,
    failed                INTEGER NOT NULL DEFAULT 0,
    created_at            INTEGER NOT NULL,
    finished_at           INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX task_by_project ON task (project_id, created_at DESC, id DESC);

CREATE TABLE backlog (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    kind                  TEXT NOT NULL,
    key                   TEXT NOT NULL,
    registry_id           INTEGER NOT NULL DEFAULT 0,
    repository            TEXT NOT NULL DEFAULT '',
    priority              INTEGER NOT NULL,
    generation            INTEGER NOT NULL DEFAULT 0,
    state                 TEXT NOT NULL,
    attempts              INTEGER NOT NULL DEFAULT 0,
    interruptions         INTEGER NOT NULL DEFAULT 0, -- times its worker died or lost it
    deaths                INTEGER NOT NULL DEFAULT 0, -- times the process that its worker analyses in died
    not_before            INTEGER NOT NULL DEFAULT 0,
    lease_until           INTEGER NOT NULL DEFAULT 0,
    failure               TEXT NOT NULL DEFAULT '',
    failure_detail        TEXT NOT NULL DEFAULT '',
    created_at            INTEGER NOT NULL,
    finished_at           INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX backlog_open ON backlog (project_id, enterprise_project_id, kind, key)
    WHERE state IN ('pending', 'queued', 'running');
CREATE INDEX backlog_next ON backlog (project_id, priority DESC, id, not_before) WHERE state = 'pending';
CREATE INDEX backlog_leases ON backlog (lease_until) WHERE state IN ('queued', 'running');
CREATE INDEX backlog_finished ON backlog (kind, registry_id, finished_at) WHERE state IN ('done', 'failed', 'stopped');

CREATE TABLE task_work (
    task_id    INTEGER NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    backlog_id INTEGER NOT NULL REFERENCES backlog (id) ON DELETE CASCADE,
    PRIMARY KEY (task_id, backlog_id)
) WITHOUT ROWID;
CREATE INDEX task_work_tasks ON task_work (backlog_id, task_id);

-- Whose turn it is: the project that each class of work was last handed out for.
CREATE TABLE dispatch_turn (
    interactive INTEGER PRIMARY KEY, -- 1 = interactive, 0 = bulk
    served      TEXT NOT NULL
);

-- What the planner is told about the indexes of images, instead of what it would guess
-- from nothing: a project has many images, a name or a digest few. It is fixed, so that
-- plans are the ones that tests have seen.
ANALYZE image;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('image', 'sqlite_autoindex_image_1', '100000 50000 5000 20 1'),
    ('image', 'image_list', '100000 50000 2 1 1 1 1 1 1 1 1 1 1'),
    ('image', 'image_latest', '10000 5000 2 1 1 1 1'),
    ('image', 'image_by_namespace', '100000 50000 2000 2 1 1 1'),
    ('image', 'image_by_name', '100000 50000 50 20 1'),
    ('image', 'image_by_digest', '100000 50000 2 2'),
    ('image', 'image_by_tag', '100000 50000 100'),
    ('image', 'image_by_size', '100000 50000 5'),
    ('image', 'image_by_artifact', '100000 2');
ANALYZE sqlite_schema;

-- +goose Down
SELECT 1;
