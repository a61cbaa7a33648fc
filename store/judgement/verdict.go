package judgement

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// verdictHash is the content key of a vulnerability, regardless of its package: hex SHA-256 over
// every field, each preceded by its length.
func verdictHash(v plimsoll.Vulnerability) string {
	b := make([]byte, 0, 512)
	field := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	list := func(l []string) {
		b = binary.AppendUvarint(b, uint64(len(l)))
		for _, s := range l {
			field(s)
		}
	}
	field(v.ID)
	list(v.Advisories)
	list(v.Aliases)
	field(v.FixedVersion)
	field(string(v.Severity))
	field(strconv.FormatFloat(v.Score, 'g', -1, 64))
	field(string(v.Urgency))
	field(strconv.FormatBool(v.Exploited))
	field(v.Summary)
	field(v.URL)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

const insertVerdictsSQL = `INSERT INTO verdict (hash, vulnerability, advisories, aliases, fixed_version, severity, score, urgency, exploited, summary, url)
	VALUES `

const verdictRowSQL = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// saveVerdicts stores those verdicts that are not stored yet, and returns the ids of all by hash.
func saveVerdicts(ctx context.Context, w *sqldb.Changes, verdicts map[string]plimsoll.Vulnerability) (map[string]int64, error) {
	hashes := make([]string, 0, len(verdicts))
	for h := range verdicts {
		hashes = append(hashes, h)
	}
	slices.Sort(hashes)
	ids := make(map[string]int64, len(hashes))
	if err := verdictIDs(ctx, w.Tx, hashes, ids); err != nil {
		return nil, err
	}
	fresh := slices.DeleteFunc(hashes, func(h string) bool { return ids[h] != 0 })
	var args []any
	for _, h := range fresh {
		v := verdicts[h]
		args = append(args, h, v.ID, sqldb.EncodeList(v.Advisories), sqldb.EncodeList(v.Aliases),
			v.FixedVersion, v.Severity, v.Score, v.Urgency, v.Exploited, v.Summary, v.URL)
	}
	if err := w.Insert(ctx, insertVerdictsSQL, verdictRowSQL, ` ON CONFLICT DO NOTHING`, args); err != nil {
		return nil, err
	}
	if err := verdictIDs(ctx, w.Tx, fresh, ids); err != nil {
		return nil, err
	}
	return ids, saveVerdictNames(ctx, w, fresh, verdicts, ids)
}

const insertVerdictNamesSQL = `INSERT INTO verdict_name (name, verdict_id) VALUES `

// saveVerdictNames stores every id by which new verdicts are found: canonical id, advisories, aliases.
func saveVerdictNames(ctx context.Context, w *sqldb.Changes, hashes []string, verdicts map[string]plimsoll.Vulnerability, ids map[string]int64) error {
	var args []any
	for _, h := range hashes {
		v := verdicts[h]
		for _, name := range slices.Concat([]string{v.ID}, v.Advisories, v.Aliases) {
			args = append(args, name, ids[h])
		}
	}
	return w.Insert(ctx, insertVerdictNamesSQL, "(?, ?)", ` ON CONFLICT DO NOTHING`, args)
}

const selectVerdictIDsSQL = `SELECT hash, id FROM verdict WHERE hash IN (:keys)`

func verdictIDs(ctx context.Context, tx *sqldb.Tx, hashes []string, into map[string]int64) error {
	return sqldb.QueryChunks(ctx, tx, selectVerdictIDsSQL, nil, hashes, func(rows *sql.Rows) error {
		var hash string
		var id int64
		err := rows.Scan(&hash, &id)
		into[hash] = id
		return err
	})
}

// distinctVulnerabilities keeps the first of the vulnerabilities with the same id and package.
func distinctVulnerabilities(vs []plimsoll.Vulnerability) []plimsoll.Vulnerability {
	type subject struct {
		pkg plimsoll.Package
		id  string
	}
	seen := make(map[subject]bool, len(vs))
	out := make([]plimsoll.Vulnerability, 0, len(vs))
	for _, v := range vs {
		if about := (subject{v.Package, v.ID}); !seen[about] {
			seen[about] = true
			out = append(out, v)
		}
	}
	return out
}
