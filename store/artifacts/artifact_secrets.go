package artifacts

import (
	"context"

	"plimsoll/store/sqldb"
)

const updateSecretsSQL = `UPDATE artifact SET secrets = ? WHERE id = ? AND secrets <> ?`

// SaveSecretCount stores how many secrets an artifact lists.
func SaveSecretCount(ctx context.Context, w *sqldb.Changes, artifact int64, listed int) error {
	return w.Change(ctx, updateSecretsSQL, listed, artifact, listed)
}

const recountSecretsSQL = `UPDATE artifact SET secrets = (SELECT COUNT(*) FROM artifact_secret s WHERE s.artifact_id = artifact.id AND s.left_out = 0)
	WHERE id IN (:keys)`

// RecountSecrets stores how many secrets artifacts list, by their rows.
func RecountSecrets(ctx context.Context, w *sqldb.Changes, artifacts []int64) error {
	return w.ChangeChunks(ctx, recountSecretsSQL, nil, artifacts)
}
