package storetest

import (
	"fmt"

	"plimsoll"
)

func filesOf(kind string, sizes ...int64) plimsoll.FileFacts {
	var f plimsoll.FileFacts
	for _, size := range sizes {
		f.Count++
		f.Bytes += size
		f.Largest = append(f.Largest, plimsoll.FileFact{Path: fmt.Sprint(kind, size), Size: size, Kind: kind})
	}
	f.Kinds = []plimsoll.KindSum{{Kind: kind, Count: f.Count, Bytes: f.Bytes}}
	return f
}

func (f *findings) facts(t plimsoll.Tenant, name string, facts plimsoll.ImageFacts) (changed bool) {
	f.Helper()
	r := plimsoll.ScanRecord{Tenant: t, Digest: named(name), ScannedAt: Start(), Matcher: "m1", Facts: &facts}
	changed, err := f.s.SaveScan(f.ctx, r)
	f.must(err)
	return changed
}

func testImageFiles(f *findings) {
	img := f.image(findingTenant, "plain")
	none, err := f.s.ImageFiles(f.ctx, img)
	f.must(err)
	wantEqual(f, plimsoll.FileFacts{}, none)
	want := filesOf("elf", 30, 20)
	f.facts(findingTenant, "plain", plimsoll.ImageFacts{Files: want})
	got, err := f.s.ImageFiles(f.ctx, img)
	f.must(err)
	wantEqual(f, want, got)
	if f.facts(findingTenant, "plain", plimsoll.ImageFacts{Files: want}) {
		f.Error("the same facts were written again")
	}
	_, err = f.s.SaveScan(f.ctx, plimsoll.ScanRecord{Tenant: findingTenant, Digest: named("plain"), Failure: plimsoll.FailureDownload, Detail: "gone"})
	f.must(err)
	got, err = f.s.ImageFiles(f.ctx, img)
	f.must(err)
	wantEqual(f, want, got)

	index := f.image(otherTenant, "many")
	f.exec(`UPDATE artifact SET kind = 'index' WHERE digest = ? AND project_id = ? RETURNING id`, named("many"), otherTenant.ProjectID)
	for i, name := range []string{"amd64", "arm64"} {
		f.artifact(otherTenant, name, plimsoll.KindImage)
		f.exec(`INSERT INTO artifact_child (artifact_id, project_id, enterprise_project_id, position, digest, media_type, size)
			SELECT id, project_id, enterprise_project_id, ?, ?, '', 1 FROM artifact WHERE digest = ? AND project_id = ? RETURNING position`,
			i, named(name), named("many"), otherTenant.ProjectID)
	}
	f.facts(otherTenant, "amd64", plimsoll.ImageFacts{Files: filesOf("elf", 30, 20)})
	f.facts(otherTenant, "arm64", plimsoll.ImageFacts{Files: filesOf("text", 70, 10)})
	got, err = f.s.ImageFiles(f.ctx, index)
	f.must(err)
	var order []int64
	for _, file := range got.Largest {
		order = append(order, file.Size)
	}
	wantEqual(f, []int64{70, 30, 20, 10}, order)
	wantEqual(f, []plimsoll.KindSum{{Kind: "text", Count: 2, Bytes: 80}, {Kind: "elf", Count: 2, Bytes: 50}}, got.Kinds)
	if got.Count != 4 || got.Bytes != 130 {
		f.Errorf("%d files of %d bytes", got.Count, got.Bytes)
	}
}

// chained stores an image by a sync, with layers that are named.
func (f *findings) chained(r plimsoll.Registry, name string, layers ...string) {
	f.Helper()
	a := plimsoll.Artifact{Digest: named(name), Kind: plimsoll.KindImage, Size: 1, Platform: plimsoll.Platform{OS: "linux"}}
	for _, l := range layers {
		a.Layers = append(a.Layers, plimsoll.Layer{Descriptor: plimsoll.Descriptor{Digest: named("blob " + l), Size: 1}, DiffID: named(l)})
	}
	f.must(f.s.ApplySync(f.ctx, r, plimsoll.RepositoryChange{
		Repository: name, Artifacts: []plimsoll.Artifact{a}, Tags: []plimsoll.TagSeen{{Tag: "1", Digest: a.Digest}},
	}, nil))
}

func testBaseImages(f *findings) {
	add := func(project, ep, name string) plimsoll.Registry {
		r := plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: ep}, Name: name, URL: "https://r.example", Kind: plimsoll.RegistryOther}
		f.must(f.s.AddRegistry(f.ctx, &r))
		return r
	}
	here, there, foreign := add("p1", "0", "here"), add("p1", "ep2", "there"), add("p2", "0", "foreign")
	f.chained(here, "team/app", "a", "b", "c", "d")
	f.chained(here, "base/small", "a")
	f.chained(here, "base/same-length", "a", "x")
	f.chained(here, "team/twin", "a", "b", "c", "d")
	f.chained(here, "team/moved", "b")
	f.chained(there, "base/middle", "a", "b")
	f.chained(foreign, "base/foreign", "a", "b", "c")
	f.facts(findingTenant, "base/small", plimsoll.ImageFacts{Release: &plimsoll.OSRelease{ID: "alpine"}})

	img, err := f.s.FindImage(f.ctx, plimsoll.ImageLookup{ProjectID: "p1", Ref: plimsoll.ImageRef{Namespace: "team", Name: "app"}})
	f.must(err)
	small := plimsoll.BaseImage{Repository: "base/small", Tag: "1", Digest: named("base/small"), Layers: 1, TopLayer: named("blob a"), Release: &plimsoll.OSRelease{ID: "alpine"}}
	middle := plimsoll.BaseImage{Repository: "base/middle", Tag: "1", Digest: named("base/middle"), Layers: 2, TopLayer: named("blob b")}
	got, err := f.s.BaseImages(f.ctx, img, nil)
	f.must(err)
	wantEqual(f, []plimsoll.BaseImage{middle, small}, got)
	got, err = f.s.BaseImages(f.ctx, img, []string{"0"})
	f.must(err)
	wantEqual(f, []plimsoll.BaseImage{small}, got)
}
