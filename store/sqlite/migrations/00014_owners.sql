-- +goose Up

-- A package of a language may have an owner, the operating system package that installed its files. The owner is part of
-- the package's identity. SQLite cannot add columns to a UNIQUE constraint, so the table is copied; migrations run
-- without foreign keys, so that rows which refer to packages stay (https://sqlite.org/lang_altertable.html, section 7).
CREATE TABLE package_with_owner (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    ecosystem          TEXT NOT NULL, -- OSV, with release suffix
    name               TEXT NOT NULL,
    version            TEXT NOT NULL,
    source             TEXT NOT NULL DEFAULT '',
    source_version     TEXT NOT NULL DEFAULT '',
    arch               TEXT NOT NULL DEFAULT '',
    purl               TEXT NOT NULL DEFAULT '',
    owner              TEXT NOT NULL DEFAULT '', -- name; '' = no owner
    owner_source       TEXT NOT NULL DEFAULT '',
    owner_ecosystem    TEXT NOT NULL DEFAULT '',
    owner_other_vendor INTEGER NOT NULL DEFAULT 0,
    UNIQUE (ecosystem, name, version, source, source_version, arch, purl, owner, owner_source, owner_ecosystem, owner_other_vendor)
);
INSERT INTO package_with_owner (id, ecosystem, name, version, source, source_version, arch, purl)
SELECT id, ecosystem, name, version, source, source_version, arch, purl FROM package;
DROP TABLE package;
ALTER TABLE package_with_owner RENAME TO package;
CREATE INDEX package_by_source ON package (ecosystem, source);
CREATE INDEX package_by_name ON package (name);

-- Advisories that name an owner of another vendor change how its files are judged.
CREATE INDEX package_by_owner ON package (owner_ecosystem, owner) WHERE owner_other_vendor = 1;
CREATE INDEX package_by_owner_source ON package (owner_ecosystem, owner_source) WHERE owner_other_vendor = 1;

-- Queries that count leave out these sets.
CREATE INDEX package_set_declared ON package_set (id) WHERE kind = 'declared';

-- +goose Down

DROP INDEX package_set_declared;
DROP INDEX package_by_owner_source;
DROP INDEX package_by_owner;
