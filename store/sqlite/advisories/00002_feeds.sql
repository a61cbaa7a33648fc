-- +goose Up

-- Stored files that the last full dump of an online feed lacked. The next one that lacks
-- them withdraws them. Like feed_check, it notes checks.
CREATE TABLE feed_missing (
    feed TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (feed, file)
) WITHOUT ROWID;

-- +goose Down
SELECT 1;
