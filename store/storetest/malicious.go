package storetest

import (
	"fmt"

	"plimsoll"
)

// testMaliciousPackages: a package that is malware by advisories is malware of every artifact
// with it, beside the malware in its files, from the scan on and after each rematch.
func testMaliciousPackages(f *findings) {
	one, other := f.image(findingTenant, "one"), f.image(otherTenant, "other")
	lang := placed(plimsoll.SetLanguage, "left-pad", "lost")
	lang.Places = []plimsoll.Place{{Package: 0, Layer: 1, Path: "app/a"}, {Package: 0, Layer: 1, Path: "app/b"}}
	scan := func(t plimsoll.Tenant, name string, malicious ...plimsoll.MaliciousPackage) {
		r := record(t, name, lang, plimsoll.Judgement{Revision: 1, Malicious: malicious})
		r.Malware = []plimsoll.Malware{{Path: "app/a", Kind: plimsoll.MalwareMatch, Rule: "r", Engine: "e"}}
		f.save(r)
	}
	shown := func(img plimsoll.Image, count int64, want ...string) {
		f.Helper()
		var got []string
		list, err := f.s.ImageMalware(f.ctx, img)
		f.must(err)
		for _, m := range list {
			got = append(got, fmt.Sprint(m.Path, " ", m.Kind, " ", m.Rule))
		}
		wantEqual(f, want, got)
		if n := f.shown(img).Malware; n != count {
			f.Errorf("%d paths counted, want %d", n, count)
		}
	}
	const a, b, file = "app/a malicious_package MAL-1", "app/b malicious_package MAL-1", "app/a match r"
	scan(findingTenant, "one")
	shown(one, 1, file)
	// The same set, stored already: a rematch finds it.
	scan(otherTenant, "other", plimsoll.MaliciousPackage{Package: lang.Packages[0], Advisories: []string{"MAL-1"}})
	shown(other, 1, file)

	id := f.exec(`SELECT id FROM package WHERE name = 'left-pad'`)
	judge := func(artifacts int, advisories ...string) {
		f.Helper()
		n, err := f.s.SaveMalicious(f.ctx, []plimsoll.PackageJudgement{{PackageID: id, Malicious: advisories}})
		f.must(err)
		if n != artifacts {
			f.Errorf("%d artifacts changed, want %d", n, artifacts)
		}
	}
	judge(2, "MAL-1")
	shown(one, 2, file, a, b)
	shown(other, 2, file, a, b)
	judge(0, "MAL-1")
	scan(findingTenant, "one")
	shown(one, 2, file, a, b)
	judge(2)
	shown(one, 1, file)

	fresh := f.image(findingTenant, "fresh")
	lone := placed(plimsoll.SetLanguage, "left-pad")
	f.save(record(findingTenant, "fresh", lone, plimsoll.Judgement{Revision: 1,
		Malicious: []plimsoll.MaliciousPackage{{Package: lone.Packages[0], Advisories: []string{"MAL-1"}}}}))
	shown(fresh, 1, "left-pad malicious_package MAL-1")
	shown(one, 2, file, a, b)
}
