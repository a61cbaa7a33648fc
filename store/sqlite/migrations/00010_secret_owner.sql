-- +goose Up

-- What profiles judge by beside the path. Rows of scans before this have neither: the next scan finds them anew.
ALTER TABLE artifact_secret ADD COLUMN size INTEGER NOT NULL DEFAULT 0; -- bytes of the file; 0 = not known
ALTER TABLE artifact_secret ADD COLUMN owned TEXT NOT NULL DEFAULT ''; -- see Ownership; '' = not known

-- +goose Down
ALTER TABLE artifact_secret DROP COLUMN owned;
ALTER TABLE artifact_secret DROP COLUMN size;
