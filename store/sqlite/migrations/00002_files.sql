-- +goose Up

-- What files an artifact shows, and the release of its operating system.
CREATE TABLE artifact_facts (
    artifact_id           INTEGER PRIMARY KEY REFERENCES artifact (id) ON DELETE CASCADE,
    project_id            TEXT NOT NULL,
    enterprise_project_id TEXT NOT NULL,
    facts                 BLOB NOT NULL -- zstd of JSON, see ImageFacts
);

-- An image is based on an artifact whose layers it begins with: the top layer of that artifact finds it.
ALTER TABLE artifact_layer ADD COLUMN top INTEGER NOT NULL DEFAULT 0;
UPDATE artifact_layer SET top = 1
WHERE position = (SELECT MAX(l.position) FROM artifact_layer l WHERE l.artifact_id = artifact_layer.artifact_id);
CREATE INDEX artifact_layer_top ON artifact_layer (project_id, diff_id, position, artifact_id) WHERE top = 1;

-- +goose Down
