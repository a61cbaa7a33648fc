package storetest

import (
	"strconv"

	"plimsoll"
)

// testPasswordLists: lists come one after the other with their work, and results are written only
// while what they were made of is what is stored.
func testPasswordLists(f *findings) {
	project := findingTenant.ProjectID
	l, err := f.s.PasswordList(f.ctx, project)
	f.must(err)
	wantEqual(f, plimsoll.PasswordList{ProjectID: project}, l)
	l = plimsoll.PasswordList{ProjectID: project, Generation: 1, Sealed: []byte("sealed"), By: "ann"}
	f.must(f.s.SetPasswordList(f.ctx, l))
	f.wantError(plimsoll.Conflict, f.s.SetPasswordList(f.ctx, l))
	l.Generation = 3
	f.wantError(plimsoll.Conflict, f.s.SetPasswordList(f.ctx, l))
	l.Generation, l.Sealed = 2, nil
	f.must(f.s.SetPasswordList(f.ctx, l))
	l.ChangedAt = Start()
	got, err := f.s.PasswordList(f.ctx, project)
	f.must(err)
	wantEqual(f, l, got)
	tasks, err := f.s.Tasks(f.ctx, project, nil, plimsoll.WorkPasswords, 10, "")
	f.must(err)
	if tasks.Total != 2 || tasks.Items[0].Total != 1 || tasks.Items[0].By != "ann" {
		f.Errorf("tasks %+v", tasks)
	}
	if units := f.rows(`SELECT key FROM backlog WHERE kind = 'passwords'`); len(units) != 2 {
		f.Errorf("units %v: a change must not join the one before", units)
	}
	if other, err := f.s.PasswordList(f.ctx, otherTenant.ProjectID); err != nil || other.Generation != 0 {
		f.Errorf("another project has %+v, %v", other, err)
	}
	testHashHolders(f, l.Generation)
}

func testHashHolders(f *findings, generation int64) {
	sources := []plimsoll.AccountSource{{Layer: named("with-passwords 1"), Path: "etc/shadow", Passwords: 1}}
	save := func(t plimsoll.Tenant, name string, sources ...plimsoll.AccountSource) bool {
		return f.save(plimsoll.ScanRecord{Tenant: t, Digest: named(name), Matcher: matcher, Settings: []plimsoll.Setting{}, Accounts: sources})
	}
	for _, t := range [...]plimsoll.Tenant{findingTenant, otherTenant} {
		f.image(t, "with-passwords")
		f.image(t, "without")
		save(t, "without")
		if !save(t, "with-passwords", sources...) || save(t, "with-passwords", sources...) {
			f.Error("sources are not written once")
		}
	}
	holders, err := f.s.HashHolders(f.ctx, findingTenant.ProjectID, 0, 10)
	f.must(err)
	if len(holders) != 1 || holders[0].Digest != named("with-passwords") || holders[0].Tenant != findingTenant {
		f.Fatalf("holders %+v", holders)
	}
	holder := holders[0]
	wantEqual(f, sources, holder.Sources)
	if next, err := f.s.HashHolders(f.ctx, findingTenant.ProjectID, holder.ArtifactID, 10); err != nil || len(next) != 0 {
		f.Errorf("after the last %+v, %v", next, err)
	}
	one, ok, err := f.s.HashHolder(f.ctx, findingTenant, named("with-passwords"))
	f.must(err)
	wantEqual(f, holder, one)
	if _, found, err := f.s.HashHolder(f.ctx, findingTenant, named("without")); !ok || found || err != nil {
		f.Errorf("an artifact without passwords is found: %v %v", found, err)
	}

	failed := plimsoll.Rule{ID: plimsoll.RuleListedPassword, Kind: plimsoll.KindWeakPassword, Title: "T"}.Setting(plimsoll.SettingFailed)
	failed.Passwords = []plimsoll.WeakPassword{{User: "ann", Masked: "***"}}
	results := func() int {
		return len(f.rows(`SELECT project_id, result FROM artifact_setting WHERE rule = '` + plimsoll.RuleListedPassword + `'`))
	}
	listed := func(h plimsoll.HashHolder, generation int64, s plimsoll.Setting, saved bool, rows int) {
		f.Helper()
		got, err := f.s.SaveListed(f.ctx, h, generation, s)
		f.must(err)
		if got != saved || results() != rows {
			f.Errorf("saved %v, want %v; %s rows, want %d", got, saved, strconv.Itoa(results()), rows)
		}
	}
	stale := holder
	stale.Sources = nil
	listed(holder, generation-1, failed, false, 0)
	listed(stale, generation, failed, false, 0)
	listed(holder, generation, failed, true, 1)
	before := f.dump("")
	listed(holder, generation, failed, true, 1)
	if save(findingTenant, "with-passwords", sources...) {
		f.Error("a scan that found the same wrote rows")
	}
	wantEqual(f, before, f.dump(""))
	none := failed.About().Setting(plimsoll.SettingNotApplicable)
	listed(holder, generation, none, true, 0)
	listed(holder, generation, none, true, 0)
	listed(holder, generation, failed, true, 1)
	if !save(findingTenant, "with-passwords") || results() != 0 {
		f.Error("the result outlives the passwords")
	}
	if mine, err := f.s.HashHolders(f.ctx, otherTenant.ProjectID, 0, 10); err != nil || len(mine) != 1 {
		f.Errorf("another tenant's holders are %+v, %v", mine, err)
	}
}

// testLayerHashes: sealed hashes are kept with the report they came with.
func testLayerHashes(f *findings) {
	r := report("hashed", analyzerA)
	r.SealedHashes = []byte("sealed")
	f.must(f.s.SaveLayer(f.ctx, findingTenant, named("blob"), named("hashed"), []plimsoll.LayerReport{r, report("hashed", analyzerB)}))
	f.must(f.s.SaveLayer(f.ctx, otherTenant, named("blob"), named("hashed"), []plimsoll.LayerReport{r}))
	got, err := f.s.LayerHashes(f.ctx, analyzerA, []plimsoll.Digest{named("hashed"), named("none")})
	f.must(err)
	wantEqual(f, map[plimsoll.Digest][]byte{named("hashed"): []byte("sealed")}, got)
	for _, id := range [...]plimsoll.AnalyzerID{analyzerB, {Name: analyzerA.Name, Version: "other"}} {
		got, err := f.s.LayerHashes(f.ctx, id, []plimsoll.Digest{named("hashed")})
		f.must(err)
		wantEqual(f, map[plimsoll.Digest][]byte{}, got)
	}
}
