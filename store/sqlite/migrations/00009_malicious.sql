-- +goose Up

-- Packages that an advisory calls malware (OSSF malicious-packages), as last judged. What
-- artifacts show of it stands in artifact_malware, kind 'malicious_package'.
CREATE TABLE package_malicious (
    package_id INTEGER PRIMARY KEY REFERENCES package (id),
    advisories TEXT NOT NULL -- JSON list of ids
);

-- +goose Down
