package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/app/apptest"
)

// TestPasswordListOverTheAPI changes a project's list on a running server, with layers read in real
// children: stored images are told without a request to the registry, another project's are not,
// and no file of the data directory has a hash or a word in clear.
func TestPasswordListOverTheAPI(t *testing.T) {
	const word, hash = "Hello world!", "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	te := newTenants(t)
	plain := apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2")),
		apptest.File("etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n"), apptest.File("etc/shadow", "ann:$6$saltstring$"+hash+":19000:0:99999:7:::\n"))
	te.ours.PushLayer(t, "team/app", plain)
	te.theirs.PushLayer(t, "team/app", plain)
	te.sync(t, te.ourRegistry)
	te.sync(t, te.theirsReg)
	te.ours.Since()

	c := te.signIn(t, "admin", te.FirstUser.Password, "")
	token, project := c.Token(), c.ProjectID()
	ask := func(method, path, body string) string {
		t.Helper()
		return te.mustRequest(t, token, method, "/v5/"+project+"/image/baseline/"+path, body)
	}
	ask("POST", "extended-weak-password", `{"extended_weak_password":["harbour","`+word+`"]}`)
	if got := ask("GET", "extended-weak-password", ""); !strings.Contains(got, `["harbour","`+word+`"]`) {
		t.Errorf("the list is %s", got)
	}
	tasks, err := te.Inventory().Tasks(t.Context(), te.ourProject, nil, plimsoll.WorkPasswords, 10, "")
	if err != nil || tasks.Total != 1 {
		t.Fatalf("%d tasks, %v", tasks.Total, err)
	}
	if task, err := te.Tasks.Wait(t.Context(), te.ourProject, tasks.Items[0].ID, nil); err != nil || task.Done != 1 {
		t.Fatalf("%+v %v", task, err)
	}
	users := ask("GET", "weak-password-users?image_type=registry", "")
	for _, want := range []string{`"total_num":1`, `"user_name":"ann"`, `"H**********!"`, "On the project's list"} {
		if !strings.Contains(users, want) {
			t.Errorf("no %s in %s", want, users)
		}
	}
	if strings.Contains(users, word) || strings.Contains(users, hash) {
		t.Errorf("in clear: %s", users)
	}
	if asked := te.ours.Since(); len(asked) > 0 {
		t.Errorf("the registry was asked: %v", asked)
	}
	theirs, err := te.Inventory().ImageSettings(t.Context(), te.image(t, te.theirProject, "team/app"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range theirs {
		if s.Rule == plimsoll.RuleListedPassword {
			t.Errorf("another project is told %+v", s)
		}
	}
	files, err := filepath.Glob(filepath.Join(te.DataDir(), "*"))
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	for _, name := range files {
		if raw, err := os.ReadFile(name); err == nil {
			seen += string(raw)
		}
	}
	if !strings.Contains(seen, "team/app") || strings.Contains(seen, hash) || strings.Contains(seen, word) {
		t.Error("the data directory has a hash or a word in clear, or was not read")
	}
}
