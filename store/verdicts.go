package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"plimsoll"
)

// verdictHash is the content key of what a vulnerability says, whatever package it is
// about: hex SHA-256 over every field, each preceded by its length.
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

// saveVerdicts stores those verdicts that are not, and returns the ids of all by hash.
func (w *writer) saveVerdicts(ctx context.Context, verdicts map[string]plimsoll.Vulnerability) (map[string]int64, error) {
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
	for part := range slices.Chunk(fresh, chunk) {
		var args []any
		for _, h := range part {
			v := verdicts[h]
			args = append(args, h, v.ID, encodeList(v.Advisories), encodeList(v.Aliases),
				v.FixedVersion, v.Severity, v.Score, v.Urgency, v.Exploited, v.Summary, v.URL)
		}
		err := w.change(ctx, `INSERT INTO verdict (hash, vulnerability, advisories, aliases, fixed_version, severity, score, urgency, exploited, summary, url)
			VALUES `+tuples(len(part), "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")+` ON CONFLICT DO NOTHING`, args...)
		if err != nil {
			return nil, err
		}
	}
	if err := verdictIDs(ctx, w.Tx, fresh, ids); err != nil {
		return nil, err
	}
	return ids, w.saveNames(ctx, fresh, verdicts, ids)
}

// saveNames stores every id that new verdicts answer to.
func (w *writer) saveNames(ctx context.Context, hashes []string, verdicts map[string]plimsoll.Vulnerability, ids map[string]int64) error {
	var args []any
	for _, h := range hashes {
		v := verdicts[h]
		for _, name := range slices.Concat([]string{v.ID}, v.Advisories, v.Aliases) {
			args = append(args, name, ids[h])
		}
	}
	for part := range slices.Chunk(args, 2*chunk) {
		err := w.change(ctx, `INSERT INTO verdict_name (name, verdict_id) VALUES `+tuples(len(part)/2, "(?, ?)")+` ON CONFLICT DO NOTHING`, part...)
		if err != nil {
			return err
		}
	}
	return nil
}

func verdictIDs(ctx context.Context, tx *Tx, hashes []string, into map[string]int64) error {
	for part := range slices.Chunk(hashes, chunk) {
		rows, err := tx.Query(ctx, `SELECT hash, id FROM verdict WHERE hash IN (`+marks(len(part))+`)`, anys(part)...)
		err = each(rows, err, func(rows *sql.Rows) error {
			var hash string
			var id int64
			err := rows.Scan(&hash, &id)
			into[hash] = id
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// encodeList is encodeJSON with an empty list for nil.
func encodeList(l []string) string {
	if l == nil {
		l = []string{}
	}
	return encodeJSON(l)
}

// distinct drops vulnerabilities that say again what an earlier one said: two of one id
// about one package count as one, the first.
func distinct(vs []plimsoll.Vulnerability) []plimsoll.Vulnerability {
	type subject struct {
		pkg plimsoll.Package
		id  string
	}
	said := make(map[subject]bool, len(vs))
	out := make([]plimsoll.Vulnerability, 0, len(vs))
	for _, v := range vs {
		if about := (subject{v.Package, v.ID}); !said[about] {
			said[about] = true
			out = append(out, v)
		}
	}
	return out
}

// saveFirstJudgement writes what is wrong with a set that was just stored. packages has
// the ids of its packages.
func (w *writer) saveFirstJudgement(ctx context.Context, set int64, matcher string, j plimsoll.Judgement, packages map[plimsoll.Package]int64) error {
	if err := knowPackages(j, packages); err != nil {
		return err
	}
	found := distinct(j.Vulnerabilities)
	verdicts, hashes := map[string]plimsoll.Vulnerability{}, make([]string, len(found))
	for i, v := range found {
		hashes[i] = verdictHash(v)
		verdicts[hashes[i]] = v
	}
	ids, err := w.saveVerdicts(ctx, verdicts)
	if err != nil {
		return err
	}
	var args []any
	for i, v := range found {
		args = append(args, set, packages[v.Package], ids[hashes[i]], matcher)
	}
	if err := w.insert(ctx, `INSERT INTO set_vulnerability (set_id, package_id, verdict_id, matcher, from_revision) VALUES `,
		"(?, ?, ?, ?, 0)", 4, args, ` ON CONFLICT DO NOTHING`); err != nil {
		return err
	}
	args = nil
	for _, n := range j.NotJudged {
		args = append(args, set, packages[n.Package], n.Reason)
	}
	return w.insert(ctx, `INSERT INTO set_not_judged (set_id, package_id, reason) VALUES `, "(?, ?, ?)", 3, args, ` ON CONFLICT DO NOTHING`)
}

// insert writes rows of some columns each, several at a time.
func (w *writer) insert(ctx context.Context, query, group string, columns int, args []any, conflict string) error {
	for part := range slices.Chunk(args, columns*chunk) {
		if err := w.change(ctx, query+tuples(len(part)/columns, group)+conflict, part...); err != nil {
			return err
		}
	}
	return nil
}

// knowPackages refuses a judgement about packages that are not in its set: a defect of the caller.
func knowPackages(j plimsoll.Judgement, packages map[plimsoll.Package]int64) error {
	unknown := func(p plimsoll.Package) error {
		return plimsoll.Errorf(plimsoll.Internal, "judgement names package %.80q %.80q, which is in no stored set", p.Name, p.Version)
	}
	for _, v := range j.Vulnerabilities {
		if packages[v.Package] == 0 {
			return unknown(v.Package)
		}
	}
	for _, n := range j.NotJudged {
		if packages[n.Package] == 0 {
			return unknown(n.Package)
		}
	}
	return nil
}
