package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"plimsoll"
	"plimsoll/match"
)

// databaseState is the content of the database at one time, in numbers.
type databaseState struct {
	counts   map[int64]int // shown, by image
	raw      map[int64]int // by artifact
	verdicts int
	rematch  int64 // id of the newest
	written  int   // rows written by the writing connection since it was opened
}

func (b *deltaBench) readState(ctx context.Context) (p databaseState, err error) {
	if p.counts, err = b.readNumbers(ctx, `SELECT id, vulnerabilities FROM image`); err != nil {
		return p, err
	}
	if p.raw, err = b.readNumbers(ctx, `SELECT id, raw_vulnerabilities FROM artifact`); err != nil {
		return p, err
	}
	err = b.inventory.DB().Reader.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM verdict), (SELECT COALESCE(MAX(id), 0) FROM rematch)`).
		Scan(&p.verdicts, &p.rematch)
	if err != nil {
		return p, err
	}
	return p, b.inventory.DB().Writer.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&p.written)
}

func (b *deltaBench) readNumbers(ctx context.Context, query string) (map[int64]int, error) {
	out := map[int64]int{}
	rows, err := b.inventory.DB().Reader.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		var id int64
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, rows.Err()
}

// countDifferences returns the number of entries of b that a lacks or has with another value.
func countDifferences(a, b map[int64]int) (n int) {
	for id, v := range b {
		if old, ok := a[id]; !ok || old != v {
			n++
		}
	}
	return n
}

// printDifferences prints how many rows a step changed and how many it wrote, and verifies the new state.
func (b *deltaBench) printDifferences(ctx context.Context, before databaseState) error {
	after, err := b.readState(ctx)
	if err != nil {
		return err
	}
	var judgement, sets int
	err = b.inventory.DB().Reader.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(DISTINCT set_id) FROM set_vulnerability
		WHERE from_revision > ? OR to_revision > ?`, before.rematch, before.rematch).Scan(&judgement, &sets)
	if err != nil {
		return err
	}
	artifacts, images := countDifferences(before.raw, after.raw), countDifferences(before.counts, after.counts)
	differ := judgement + artifacts + images + after.verdicts - before.verdicts
	fmt.Printf("  sets that differ   %8d\n", sets)
	fmt.Printf("  rows that differ   %8d: judgement %d, verdicts %d, artifacts %d, images %d\n",
		differ, judgement, after.verdicts-before.verdicts, artifacts, images)
	fmt.Printf("  rows written       %8d, work lists and the other writer's included\n", after.written-before.written)
	fmt.Printf("  databases          %8d MiB inventory, %d MiB advisories\n",
		b.databaseBytes("plimsoll.db")>>20, b.databaseBytes("advisories.db")>>20)
	return b.verify(ctx, after)
}

func (b *deltaBench) databaseBytes(name string) (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(filepath.Join(b.dir, name+suffix)); err == nil {
			n += info.Size()
		}
	}
	return n
}

// verifiedSamples is the number of sets and of images that verify checks in full.
const verifiedSamples = 200

// verify counts the vulnerabilities of every image independently, judges some sets again, and compares
// some lists with their counts.
func (b *deltaBench) verify(ctx context.Context, now databaseState) error {
	ids := map[int64]map[string]bool{} // by set
	err := b.forEachRow(ctx, `SELECT s.set_id, v.vulnerability FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
		WHERE s.to_revision IS NULL`, func(set int64, id string) {
		if ids[set] == nil {
			ids[set] = map[string]bool{}
		}
		ids[set][id] = true
	})
	if err != nil {
		return err
	}
	unions := map[int64]map[string]bool{} // by artifact
	err = b.forEachRow(ctx, `SELECT artifact_id, CAST(set_id AS TEXT) FROM artifact_set`, func(artifact int64, set string) {
		if unions[artifact] == nil {
			unions[artifact] = map[string]bool{}
		}
		var number int64
		fmt.Sscan(set, &number) //nolint:errcheck,gosec // it is a number
		for id := range ids[number] {
			unions[artifact][id] = true
		}
	})
	if err != nil {
		return err
	}
	total := 0
	for artifact, n := range now.raw {
		if n != len(unions[artifact]) || n != now.counts[artifact] {
			return fmt.Errorf("image %d shows %d, its artifact %d, and has %d", artifact, now.counts[artifact], n, len(unions[artifact]))
		}
		total += n
	}
	if total == 0 {
		return errors.New("no image has a vulnerability")
	}
	if err := b.verifySets(ctx, ids); err != nil {
		return err
	}
	if err := b.verifyLists(ctx, now); err != nil {
		return err
	}
	fmt.Printf("  verified           %8d counts (%d on average), %d sets judged whole, %d lists\n", len(now.raw), total/len(now.raw), verifiedSamples, verifiedSamples)
	return nil
}

func (b *deltaBench) forEachRow(ctx context.Context, query string, f func(int64, string)) error {
	rows, err := b.inventory.DB().Reader.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		f(id, text)
	}
	return rows.Err()
}

// verifySets judges some sets again, as a scan does, and compares the result with the stored one.
func (b *deltaBench) verifySets(ctx context.Context, ids map[int64]map[string]bool) error {
	sets, err := b.readNumbers(ctx, `SELECT id, packages FROM package_set`)
	if err != nil {
		return err
	}
	for range verifiedSamples {
		set := 1 + rand.Int64N(int64(len(sets))) //nolint:gosec // a sample
		packages, err := b.packagesOf(ctx, set)
		if err != nil {
			return err
		}
		evidence, err := b.advisories.Evidence(ctx, match.Keys(packages))
		if err != nil {
			return err
		}
		want := map[string]bool{}
		for _, v := range match.Judge(packages, evidence).Vulnerabilities {
			want[v.ID] = true
		}
		if len(want) != len(ids[set]) {
			return fmt.Errorf("set %d has %d vulnerabilities, judged whole %d", set, len(ids[set]), len(want))
		}
		for id := range want {
			if !ids[set][id] {
				return fmt.Errorf("set %d lacks %s", set, id)
			}
		}
	}
	return nil
}

func (b *deltaBench) packagesOf(ctx context.Context, set int64) ([]plimsoll.Package, error) {
	rows, err := b.inventory.DB().Reader.QueryContext(ctx, `SELECT p.ecosystem, p.name, p.version, p.source, p.source_version, p.arch, p.purl
		FROM set_package s JOIN package p ON p.id = s.package_id WHERE s.set_id = ?`, set)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err below reports it
	var out []plimsoll.Package
	for rows.Next() {
		var p plimsoll.Package
		if err := rows.Scan(&p.Ecosystem, &p.Name, &p.Version, &p.Source, &p.SourceVersion, &p.Arch, &p.PURL); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// verifyLists compares the count of images with the list that another operation returns.
func (b *deltaBench) verifyLists(ctx context.Context, now databaseState) error {
	for range verifiedSamples {
		id := 1 + rand.Int64N(int64(len(now.counts))) //nolint:gosec // a sample
		img, err := b.inventory.Image(ctx, "p", nil, id)
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for offset := 0; ; offset += plimsoll.MaxLimit {
			page, err := b.inventory.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{Offset: offset, Limit: plimsoll.MaxLimit})
			if err != nil {
				return err
			}
			for _, v := range page.Items {
				found[v.ID] = true
			}
			if offset+len(page.Items) >= page.Total {
				break
			}
		}
		if len(found) != now.counts[id] {
			return fmt.Errorf("image %d counts %d and lists %d", id, now.counts[id], len(found))
		}
	}
	return nil
}
