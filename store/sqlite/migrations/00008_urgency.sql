-- +goose Up

-- How soon a vulnerability wants repair (docs/severity.md); '' in rows of older judgements, which the next one replaces.
ALTER TABLE verdict ADD COLUMN urgency TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN exploited INTEGER NOT NULL DEFAULT 0;

-- +goose Down
