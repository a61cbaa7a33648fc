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

// fill writes a fleet as scans would have left it, each image judged as clean: by SQL, since
// 100,000 scans are not what is measured.
func (b *bench) fill(ctx context.Context, f *fleet) error {
	return b.inventory.DB().Write(ctx, func(tx *sqldb.Tx) error {
		p := &filler{ctx: ctx, tx: tx}
		p.sets(f)
		p.images(f)
		return p.flush()
	})
}

// filler inserts rows, several at a time.
type filler struct {
	ctx    context.Context
	tx     *sqldb.Tx
	tables []*rows
	err    error
}

type rows struct {
	into    string
	columns int
	args    []any
}

const rowsAtOnce = 400

func (p *filler) table(into string) *rows {
	r := &rows{into: into, columns: strings.Count(into, ",") + 1}
	p.tables = append(p.tables, r)
	return r
}

func (p *filler) row(r *rows, values ...any) {
	r.args = append(r.args, values...)
	if len(r.args) == rowsAtOnce*r.columns {
		p.write(r)
	}
}

func (p *filler) write(r *rows) {
	if p.err != nil || len(r.args) == 0 {
		return
	}
	group := "(" + strings.TrimSuffix(strings.Repeat("?, ", r.columns), ", ") + "), "
	query := "INSERT INTO " + r.into + " VALUES " + strings.TrimSuffix(strings.Repeat(group, len(r.args)/r.columns), ", ")
	_, p.err = p.tx.Exec(p.ctx, query, r.args...)
	r.args = r.args[:0]
}

func (p *filler) flush() error {
	for _, r := range p.tables {
		p.write(r)
	}
	return p.err
}

func (p *filler) sets(f *fleet) {
	packages := p.table(`package (id, ecosystem, name, version, source, source_version, arch, purl)`)
	sets := p.table(`package_set (id, hash, kind, packages, created_at)`)
	members := p.table(`set_package (set_id, package_id, position)`)
	ids := map[plimsoll.Package]int{}
	for i, s := range f.sets {
		for _, one := range s.Packages {
			if ids[one] == 0 {
				ids[one] = len(ids) + 1
				p.row(packages, ids[one], one.Ecosystem, one.Name, one.Version, one.Source, one.SourceVersion, one.Arch, one.PURL)
			}
		}
		p.row(sets, i+1, s.Hash(), s.Kind, len(s.Packages), 1)
	}
	// Rows refer to the packages and sets before them.
	if p.err = p.flush(); p.err != nil {
		return
	}
	for i, s := range f.sets {
		for k, one := range s.Packages {
			p.row(members, i+1, ids[one], k)
		}
	}
}

func (p *filler) images(f *fleet) {
	const project, enterprise = "p", "0"
	registries := p.table(`registry (id, project_id, enterprise_project_id, name, url, kind, origin, created_at)`)
	artifacts := p.table(`artifact (id, project_id, enterprise_project_id, digest, kind, media_type, size, scan_state, scanned_at, raw_vulnerabilities, raw_settings, raw_malware)`)
	images := p.table(`image (id, project_id, enterprise_project_id, registry_id, artifact_id, origin, repository, namespace, name, tag, digest, size, updated_at, first_seen_at, latest, scan_state, scanned_at, vulnerabilities, settings, malware)`)
	pointed := p.table(`image_artifact (image_id, project_id, enterprise_project_id, from_at, digest)`)
	holding := p.table(`artifact_set (artifact_id, project_id, enterprise_project_id, set_id, position, places)`)
	held := p.table(`image_set (image_id, project_id, enterprise_project_id, set_id, from_at)`)
	p.row(registries, 1, project, enterprise, "hub", "https://hub.example", "other", "private", 1)
	digest := func(i int) plimsoll.Digest { return plimsoll.DigestOf(fmt.Append(nil, i)) }
	for i := range f.images {
		p.row(artifacts, i+1, project, enterprise, digest(i), "image", "", 1000, "done", 1000, 0, 0, 0)
	}
	if p.err = p.flush(); p.err != nil {
		return
	}
	for i := range f.images {
		name := fmt.Sprintf("app-%d", i/10)
		p.row(images, i+1, project, enterprise, 1, i+1, "private", "team/"+name, "team", name, fmt.Sprint("v", i%10),
			digest(i), 1000, 1000+i, 1000+i, i%10/9, "done", 1000, 0, 0, 0)
		p.row(pointed, i+1, project, enterprise, 1000+i, digest(i))
	}
	if p.err = p.flush(); p.err != nil {
		return
	}
	places := newPlaces()
	for i, sets := range f.images {
		for k, set := range sets {
			p.row(holding, i+1, project, enterprise, set+1, k, places.of(f.sets[set]))
			p.row(held, i+1, project, enterprise, set+1, 1000+i)
		}
	}
}

// places makes the stored form of where packages stand.
type places struct {
	enc  *zstd.Encoder
	made map[int][]byte // by number of packages
}

func newPlaces() *places {
	enc, _ := zstd.NewWriter(nil) // with these options it does not fail
	return &places{enc: enc, made: map[int][]byte{}}
}

func (p *places) of(s plimsoll.PackageSet) []byte {
	if made := p.made[len(s.Packages)]; made != nil {
		return made
	}
	list := make([]plimsoll.Place, len(s.Packages))
	for i := range list {
		list[i] = plimsoll.Place{Package: i, Path: "var/lib/packages"}
	}
	var text bytes.Buffer
	json.NewEncoder(&text).Encode(list) //nolint:errcheck,errchkjson,gosec // it always encodes
	made := p.enc.EncodeAll(text.Bytes(), nil)
	p.made[len(s.Packages)] = made
	return made
}
