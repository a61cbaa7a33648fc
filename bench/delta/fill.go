package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/klauspost/compress/zstd"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// insertFleet writes the rows of a fleet as scans would, with every image judged as clean. It uses SQL,
// because 100,000 scans would take too long.
func (b *deltaBench) insertFleet(ctx context.Context, f *fleet) error {
	return b.inventory.DB().Write(ctx, func(tx *sqldb.Tx) error {
		p := &rowInserter{ctx: ctx, tx: tx}
		p.addSets(f)
		p.addImages(f)
		return p.flush()
	})
}

// rowInserter inserts rows, several per statement. It keeps the first error.
type rowInserter struct {
	ctx    context.Context
	tx     *sqldb.Tx
	tables []*pendingRows
	err    error
}

type pendingRows struct {
	into    string
	columns int
	args    []any
}

const rowsPerInsert = 400

func (p *rowInserter) newTable(into string) *pendingRows {
	r := &pendingRows{into: into, columns: strings.Count(into, ",") + 1}
	p.tables = append(p.tables, r)
	return r
}

func (p *rowInserter) addRow(r *pendingRows, values ...any) {
	r.args = append(r.args, values...)
	if len(r.args) == rowsPerInsert*r.columns {
		p.insertRows(r)
	}
}

func (p *rowInserter) insertRows(r *pendingRows) {
	if p.err != nil || len(r.args) == 0 {
		return
	}
	group := "(" + strings.TrimSuffix(strings.Repeat("?, ", r.columns), ", ") + "), "
	query := "INSERT INTO " + r.into + " VALUES " + strings.TrimSuffix(strings.Repeat(group, len(r.args)/r.columns), ", ")
	_, p.err = p.tx.Exec(p.ctx, query, r.args...)
	r.args = r.args[:0]
}

func (p *rowInserter) flush() error {
	for _, r := range p.tables {
		p.insertRows(r)
	}
	return p.err
}

func (p *rowInserter) addSets(f *fleet) {
	packages := p.newTable(`package (id, ecosystem, name, version, source, source_version, arch, purl)`)
	sets := p.newTable(`package_set (id, hash, kind, packages, created_at)`)
	members := p.newTable(`set_package (set_id, package_id, position)`)
	ids := map[plimsoll.Package]int{}
	for i, s := range f.sets {
		for _, one := range s.Packages {
			if ids[one] == 0 {
				ids[one] = len(ids) + 1
				p.addRow(packages, ids[one], one.Ecosystem, one.Name, one.Version, one.Source, one.SourceVersion, one.Arch, one.PURL)
			}
		}
		p.addRow(sets, i+1, s.Hash(), s.Kind, len(s.Packages), 1)
	}
	// The next rows refer to these packages and sets.
	if p.err = p.flush(); p.err != nil {
		return
	}
	for i, s := range f.sets {
		for k, one := range s.Packages {
			p.addRow(members, i+1, ids[one], k)
		}
	}
}

func (p *rowInserter) addImages(f *fleet) {
	const project, enterprise = "p", "0"
	registries := p.newTable(`registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at)`)
	artifacts := p.newTable(`artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size, scan_state, scanned_at, raw_vulnerabilities, raw_settings, raw_malware)`)
	images := p.newTable(`image (id, project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at, latest, scan_state, scanned_at, vulnerabilities, settings, malware)`)
	imageArtifacts := p.newTable(`image_artifact (image_id, project_id, enterprise_project_id, from_at, digest)`)
	artifactSets := p.newTable(`artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places)`)
	imageSets := p.newTable(`image_set (image_id, project_id, enterprise_project_id, set_id, from_at)`)
	p.addRow(registries, 1, project, enterprise, "hub", "https://hub.example", "other", "private", 1)
	digest := func(i int) plimsoll.Digest { return plimsoll.DigestOf(fmt.Append(nil, i)) }
	for i := range f.images {
		p.addRow(artifacts, i+1, project, enterprise, digest(i), "image", "", 1000, "done", 1000, 0, 0, 0)
	}
	if p.err = p.flush(); p.err != nil {
		return
	}
	for i := range f.images {
		name := fmt.Sprintf("app-%d", i/10)
		p.addRow(images, i+1, project, enterprise, 1, i+1, "private", "team/"+name, "team", name, fmt.Sprint("v", i%10),
			digest(i), 1000, 1000+i, 1000+i, i%10/9, "done", 1000, 0, 0, 0)
		p.addRow(imageArtifacts, i+1, project, enterprise, 1000+i, digest(i))
	}
	if p.err = p.flush(); p.err != nil {
		return
	}
	places := newPlaceEncoder()
	for i, sets := range f.images {
		for k, set := range sets {
			p.addRow(artifactSets, i+1, project, enterprise, set+1, k, places.encode(f.sets[set]))
			p.addRow(imageSets, i+1, project, enterprise, set+1, 1000+i)
		}
	}
}

// placeEncoder encodes the stored paths of packages.
type placeEncoder struct {
	enc     *zstd.Encoder
	encoded map[int][]byte // by number of packages
}

func newPlaceEncoder() *placeEncoder {
	enc, _ := zstd.NewWriter(nil) // it does not fail with these options
	return &placeEncoder{enc: enc, encoded: map[int][]byte{}}
}

func (p *placeEncoder) encode(s plimsoll.PackageSet) []byte {
	if made := p.encoded[len(s.Packages)]; made != nil {
		return made
	}
	list := make([]plimsoll.Place, len(s.Packages))
	for i := range list {
		list[i] = plimsoll.Place{Package: i, Path: "var/lib/packages"}
	}
	var text bytes.Buffer
	json.NewEncoder(&text).Encode(list) //nolint:errcheck,errchkjson,gosec // it always encodes
	made := p.enc.EncodeAll(text.Bytes(), nil)
	p.encoded[len(s.Packages)] = made
	return made
}
