package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

// TestPasswordList: whose list is asked for and changed, and what is refused.
func TestPasswordList(t *testing.T) {
	w := newFakes()
	h := w.api(t, nil)
	run(t, h, []scenario{
		{name: "none yet", method: "GET", url: weakWords, token: "t-reader", status: 200, has: []string{`{"extended_weak_password":[]}`}},
		{name: "change", method: "POST", url: weakWords, token: "t-editor", body: `{"extended_weak_password":["a","b"]}`, status: 200},
	})
	if !slices.Equal(w.words, []string{project, "edda", "a", "b"}) {
		t.Errorf("changed %q", w.words)
	}
	many := strings.Repeat(`"x",`, plimsoll.MaxListedPasswords) + `"x"`
	run(t, h, []scenario{
		{name: "show", method: "GET", url: weakWords + "?enterprise_project_id=all_granted_eps", token: "t-reader", status: 200, has: []string{`"a","b"]`}},
		{name: "one enterprise project", method: "GET", url: weakWords, token: "t-scoped", status: 400, has: []string{"whole project"}, hasNot: []string{`"a"`}},
		{name: "change in one", method: "POST", url: weakWords, token: "t-scoped", body: `{"extended_weak_password":["c"]}`, status: 400},
		{name: "another project", method: "GET", url: weakWords, token: "t-other", status: http.StatusForbidden, hasNot: []string{`"a"`}},
		{name: "too many", method: "POST", url: weakWords, token: "t-editor", body: `{"extended_weak_password":[` + many + `]}`, status: 400, hasNot: []string{`"x"`}},
		{name: "no text", method: "POST", url: weakWords, token: "t-editor", body: `{"extended_weak_password":[1]}`, status: 400},
	})
	run(t, h, []scenario{{name: "empty", method: "POST", url: weakWords, token: "t-editor", body: `{}`, status: 200}})
	if !slices.Equal(w.words, []string{project, "edda"}) {
		t.Errorf("emptied %q", w.words)
	}
	w.err = plimsoll.Errorf(plimsoll.Conflict, "the password list has changed since it was read")
	run(t, h, []scenario{{name: "conflict", method: "POST", url: weakWords, token: "t-editor", body: `{"extended_weak_password":["c"]}`, status: 400}})
}

// TestOwnListIsListed: accounts that the project's own list names are rows like others, one an account.
func TestOwnListIsListed(t *testing.T) {
	h := newRealServer(t, "reader")
	h.stock()
	h.judge()
	tenant := plimsoll.Tenant{ProjectID: h.project.ID, EnterpriseProject: "0"}
	weak := testSetting("password.weak", "Weak passwords", plimsoll.KindWeakPassword, plimsoll.SeverityCritical, plimsoll.SettingFailed, plimsoll.StandardPractice)
	weak.Passwords = []plimsoll.WeakPassword{{User: "ann", Scheme: "md5crypt", Masked: "1****6", Reason: "common password"}}
	_, err := h.store.SaveScan(t.Context(), plimsoll.ScanRecord{Tenant: tenant, Digest: digestA, ScannedAt: testNow(), Matcher: "m1", Settings: []plimsoll.Setting{weak},
		Accounts: []plimsoll.AccountSource{{Layer: digestC, Path: "etc/shadow", Passwords: 2}}})
	must(t, err)
	holder, ok, err := h.store.HashHolder(t.Context(), tenant, digestA)
	must(t, err)
	own := testSetting(plimsoll.RuleListedPassword, "Weak passwords", plimsoll.KindWeakPassword, plimsoll.SeverityCritical, plimsoll.SettingFailed, plimsoll.StandardPractice)
	for _, user := range [...]string{"ann", "bob"} {
		own.Passwords = append(own.Passwords, plimsoll.WeakPassword{User: user, Scheme: "sha512crypt", Masked: "h*****r", Reason: "on the project's list"})
	}
	if saved, err := h.store.SaveListed(t.Context(), holder, 0, own); !ok || !saved || err != nil {
		t.Fatal(ok, saved, err)
	}
	token, base := h.signIn("reader", h.project.ID), "/v5/"+h.project.ID+"/image/baseline/"
	list := h.get(token, base+"weak-password-users?image_type=registry", 200)
	var got []string
	for _, r := range rows(list) {
		got = append(got, fmt.Sprint(r["user_name"], " ", r["desensitized_weak_passwords"], " ", r["suggestion"]))
	}
	slices.Sort(got)
	if want := []string{"ann h*****r On the project's list. Do.", "bob h*****r On the project's list. Do."}; list["total_num"] != 2.0 || !slices.Equal(got, want) {
		t.Errorf("%v %q", list["total_num"], got)
	}
	if s := h.get(token, base+"statistic?image_type=registry", 200); s["image_weak_pwd"] != 2.0 {
		t.Errorf("statistic %v", s)
	}
}
