package storetest

import "plimsoll"

// testSoftware: a project's policy acts on what is stored; the default until there is one.
func testSoftware(f *findings) {
	project := findingTenant.ProjectID
	rules, err := f.s.SoftwarePolicy(f.ctx, project)
	f.must(err)
	wantEqual(f, plimsoll.DefaultSoftwarePolicy(), rules)

	img := f.image(findingTenant, "a")
	f.save(record(findingTenant, "a", placed(plimsoll.SetOS, "bash", "nmap"), judged(1)))
	names := func() []string {
		list, err := f.s.ForbiddenSoftware(f.ctx, img)
		f.must(err)
		out := []string{}
		for _, v := range list {
			if v.Path == "" || v.Layer == "" {
				f.Errorf("no place: %+v", v)
			}
			out = append(out, v.Rule+" "+v.Package.Name)
		}
		return out
	}
	wantEqual(f, []string{"nmap nmap"}, names())

	own := []plimsoll.SoftwareRule{{Name: "shells", Packages: []string{"ba*"}, Reason: "no shells"}}
	f.must(f.s.SetSoftwarePolicy(f.ctx, project, "ann", own))
	f.must(f.s.SetSoftwarePolicy(f.ctx, "another", "bob", []plimsoll.SoftwareRule{}))
	wantEqual(f, []string{"shells bash"}, names())
	rules, err = f.s.SoftwarePolicy(f.ctx, project)
	f.must(err)
	wantEqual(f, own, rules)
	rules, err = f.s.SoftwarePolicy(f.ctx, "another")
	f.must(err)
	wantEqual(f, []plimsoll.SoftwareRule{}, rules)

	f.wantError(plimsoll.Invalid, f.s.SetSoftwarePolicy(f.ctx, project, "ann", []plimsoll.SoftwareRule{{Name: "x"}}))
	f.must(f.s.SetSoftwarePolicy(f.ctx, project, "ann", nil))
	wantEqual(f, []string{"nmap nmap"}, names())
}
