-- +goose Up

-- Workers claim units from the backlog itself. The tables of the job library before that are dropped, and
-- units that were handed to it but not begun (queued) are pending again.
DROP TABLE IF EXISTS river_job;
DROP TABLE IF EXISTS river_leader;
DROP TABLE IF EXISTS river_migration;
DROP TABLE IF EXISTS river_notification;
DROP TABLE IF EXISTS river_queue;
UPDATE backlog SET state = 'pending', lease_until = 0 WHERE state = 'queued';

DROP INDEX backlog_open;
CREATE UNIQUE INDEX backlog_open ON backlog (project_id, enterprise_project_id, kind, key) WHERE state IN ('pending', 'running');
DROP INDEX backlog_leases;
CREATE INDEX backlog_leases ON backlog (lease_until) WHERE state = 'running';

-- +goose Down
DROP INDEX backlog_leases;
CREATE INDEX backlog_leases ON backlog (lease_until) WHERE state IN ('queued', 'running');
DROP INDEX backlog_open;
CREATE UNIQUE INDEX backlog_open ON backlog (project_id, enterprise_project_id, kind, key)
    WHERE state IN ('pending', 'queued', 'running');
