package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/scan"
	"plimsoll/seal"
	"plimsoll/store"
	"plimsoll/store/storetest"
)

// The hash of "Hello world!", and an account database with it.
const (
	ownHash = "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
	ownWord = "Hello world!"
	passwd  = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
	shadow  = "root:*:19000::::::\nann:$6$saltstring$" + ownHash + ":19000:0:99999:7:::\n"
)

// keeper is a yard whose projects have lists, read by another process as far as passes can tell.
type keeper struct {
	*yard
	lists   *scan.PasswordLists
	keyPath string
	log     bytes.Buffer
	opened  int
}

func newKeeper(t *testing.T, src *memory) *keeper {
	t.Helper()
	k := &keeper{yard: newYard(t, src), keyPath: filepath.Join(t.TempDir(), "seal.key")}
	key, err := seal.Open(t.Context(), k.keyPath, k.store)
	if err != nil {
		t.Fatal(err)
	}
	k.lists = &scan.PasswordLists{Store: k.store, Key: key, Logger: slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	k.worker.Lists, k.worker.Inspector.Sealer = k.lists, key
	k.worker.Inspector.Pass = scan.ConfinedPass(inHouse(t, k.worker.Inspector.Analyzers))
	k.worker.Open = func(context.Context, plimsoll.Work) (scan.Source, bool, error) {
		k.opened++
		return src, false, nil
	}
	return k
}

// inHouse is the other side of a pass, without a process.
func inHouse(t *testing.T, list []analyze.Analyzer) scan.Runner {
	t.Helper()
	set, err := analyze.NewSet(list)
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context, request []byte, body io.Reader, _ func(int64) error) ([]byte, error) {
		return scan.HandlePass(set)(ctx, request, body, new(atomic.Int64))
	}
}

func (k *keeper) set(t *testing.T, words ...string) {
	t.Helper()
	if err := k.lists.SetWords(t.Context(), "p", "edda", words); err != nil {
		t.Fatal(err)
	}
}

// work does what the backlog asks for.
func (k *keeper) work(t *testing.T) {
	t.Helper()
	if err := k.lists.Work(t.Context(), plimsoll.Work{Tenant: plimsoll.Tenant{ProjectID: "p"}, Kind: plimsoll.WorkPasswords}); err != nil {
		t.Fatal(err)
	}
}

// listed is the result about an image; "" = there is none.
func (k *keeper) listed(t *testing.T, img plimsoll.Image) (plimsoll.SettingResult, string) {
	t.Helper()
	settings, err := k.store.ImageSettings(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(settings, func(s plimsoll.Setting) bool { return s.Rule == plimsoll.RuleListedPassword })
	if at < 0 {
		return "", ""
	}
	return settings[at].Result, fmt.Sprint(settings[at].Passwords, settings[at].Evidence)
}

func (k *keeper) want(t *testing.T, when string, want plimsoll.SettingResult, says string) {
	t.Helper()
	if got, text := k.listed(t, k.image(t, "1")); got != want || !strings.Contains(text, says) {
		t.Errorf("%s: %q %s, want %q", when, got, text, want)
	}
}

func (k *keeper) tasks(t *testing.T) int {
	t.Helper()
	page, err := k.store.Tasks(t.Context(), "p", nil, plimsoll.WorkPasswords, 10, "")
	if err != nil {
		t.Fatal(err)
	}
	return page.Total
}

func accounts(src *memory, t *testing.T) plimsoll.Artifact {
	t.Helper()
	return src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash"))},
		[]item{regular("etc/passwd", passwd), regular("etc/shadow", shadow)})
}

// TestOwnList: a list acts on stored images without a byte from a registry, and on scans.
func TestOwnList(t *testing.T) {
	src := newMemory()
	k := newKeeper(t, src)
	a := accounts(src, t)
	bare := src.image(t, nil, []item{regular("etc/os-release", release), regular("var/lib/dpkg/status", stanza("bash")), regular("etc/passwd", passwd), regular("etc/shadow", "ann:*:1::::::\n")})
	k.push(t, "1", a)
	k.push(t, "2", bare)
	for _, a := range []plimsoll.Artifact{a, bare} {
		if err := k.scan(t, a); err != nil {
			t.Fatal(err)
		}
	}
	k.want(t, "no list", "", "")
	opened, reads := k.opened, src.readsOf(a.Layers)

	k.set(t, "harbour", ownWord)
	if n := k.tasks(t); n != 1 {
		t.Errorf("%d tasks after a change", n)
	}
	k.work(t)
	k.want(t, "a new list", plimsoll.SettingFailed, "ann sha512crypt H**********! on the project's list 19000")
	if got, _ := k.listed(t, k.image(t, "2")); got != "" {
		t.Errorf("an image without passwords: %q", got)
	}
	if k.opened != opened || src.readsOf(a.Layers) != reads {
		t.Error("a change of the list asked a registry")
	}
	words, err := k.lists.Words(t.Context(), "p")
	if err != nil || !slices.Equal(words, []string{"harbour", ownWord}) {
		t.Errorf("the list is %q, %v", words, err)
	}

	before := storetest.Dump(t, k.store, "artifact_setting", "setting_rule", "artifact_account", "layer_hash", "password_list")
	k.set(t, "harbour", ownWord, "harbour")
	k.work(t)
	if err := k.scan(t, a); err != nil {
		t.Fatal(err)
	}
	if after := storetest.Dump(t, k.store, "artifact_setting", "setting_rule", "artifact_account", "layer_hash", "password_list"); after != before || k.tasks(t) != 1 {
		t.Errorf("the same list wrote rows, or made a task (%d):\n%s\n%s", k.tasks(t), before, after)
	}

	k.set(t, "harbour")
	k.work(t)
	k.want(t, "another list", plimsoll.SettingPass, "")
	k.set(t)
	k.work(t)
	k.want(t, "an empty list", "", "")
	k.set(t, ownWord)
	if err := k.scan(t, a); err != nil {
		t.Fatal(err)
	}
	k.want(t, "a scan under a list", plimsoll.SettingFailed, "ann")
	if src.readsOf(a.Layers) != reads {
		t.Error("rescans read blobs")
	}
}

// TestOwnListIsTheProjects: the list does not affect another project's images of the same bytes.
func TestOwnListIsTheProjects(t *testing.T) {
	src := newMemory()
	k := newKeeper(t, src)
	a := accounts(src, t)
	reg := plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "q", EnterpriseProject: "0"}, Name: "hub", URL: "https://hub.example.org", Kind: plimsoll.RegistryOther}
	if err := k.store.AddRegistry(t.Context(), &reg); err != nil {
		t.Fatal(err)
	}
	storetest.Push(t, k.store, reg, "team/app", map[string]plimsoll.Artifact{"1": a})
	k.push(t, "1", a)
	for _, project := range []string{"p", "q"} {
		if err := k.worker.Work(t.Context(), plimsoll.Work{Tenant: plimsoll.Tenant{ProjectID: project, EnterpriseProject: "0"}, Kind: plimsoll.WorkScan, Key: string(a.Digest)}); err != nil {
			t.Fatal(err)
		}
	}
	k.set(t, ownWord)
	k.work(t)
	k.want(t, "the project's own", plimsoll.SettingFailed, "ann")
	page, err := k.store.Images(t.Context(), plimsoll.ImageFilter{ProjectID: "q"})
	if err != nil || page.Total != 1 {
		t.Fatal(page.Total, err)
	}
	if got, _ := k.listed(t, page.Items[0]); got != "" {
		t.Errorf("the other project is told %q", got)
	}
	if words, err := k.lists.Words(t.Context(), "q"); err != nil || len(words) != 0 {
		t.Errorf("the other project's list is %q, %v", words, err)
	}
	l, err := k.store.PasswordList(t.Context(), "p")
	if err != nil {
		t.Fatal(err)
	}
	l.ProjectID = "q" // moved by hand in the database: it opens for no other project
	if err := k.store.SetPasswordList(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if words, err := k.lists.Words(t.Context(), "q"); err == nil {
		t.Errorf("another project's list opens: %d words", len(words))
	}
}

// TestNoHashInClear looks for hash and word in every byte that is stored or logged.
func TestNoHashInClear(t *testing.T) {
	src := newMemory()
	k := newKeeper(t, src)
	a := accounts(src, t)
	k.push(t, "1", a)
	k.set(t, ownWord)
	if err := k.scan(t, a); err != nil {
		t.Fatal(err)
	}
	k.want(t, "the check works", plimsoll.SettingFailed, "ann")
	if n := rowsOf(t, k.store, "layer_hash"); n != 1 {
		t.Errorf("%d layers have hashes", n)
	}
	seen := k.log.Bytes()
	for _, file := range databaseFiles(t, k.store) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, raw...)
	}
	reports, err := k.store.LayerReports(t.Context(), []plimsoll.Digest{a.Layers[1].DiffID}, analyzerIDsOf(k.worker.Inspector.Analyzers))
	if err != nil || len(reports) != 1 {
		t.Fatal(len(reports), err)
	}
	seen = fmt.Appendf(seen, "%+v", reports) // they are packed in the database
	if !bytes.Contains(seen, []byte("team/app")) {
		t.Fatal("the bytes are not those of the database")
	}
	for _, canary := range []string{ownHash, ownHash[:20], "saltstring", ownWord} {
		if bytes.Contains(seen, []byte(canary)) {
			t.Errorf("%q is in clear", canary)
		}
	}
}

// TestHashesWithoutSealer: a scan that has no key keeps none.
func TestHashesWithoutSealer(t *testing.T) {
	src := newMemory()
	k := newKeeper(t, src)
	k.worker.Inspector.Sealer, k.worker.Lists = nil, nil
	a := accounts(src, t)
	k.push(t, "1", a)
	if err := k.scan(t, a); err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, k.store, "layer_hash"); n != 0 {
		t.Errorf("%d layers have hashes", n)
	}
	k.set(t, ownWord)
	k.work(t)
	k.want(t, "nothing was kept", plimsoll.SettingNotLooked, "1 accounts were not kept")
}

// TestSealedAnew: after a rotation of the key hashes and lists open as before; what does not open any more is reported.
func TestSealedAnew(t *testing.T) {
	src := newMemory()
	k := newKeeper(t, src)
	a := accounts(src, t)
	k.push(t, "1", a)
	k.set(t, "harbour")
	if err := k.scan(t, a); err != nil {
		t.Fatal(err)
	}
	k.want(t, "before", plimsoll.SettingPass, "")
	next, values, err := seal.Rotate(t.Context(), k.keyPath, k.lists.Key.(*seal.Key), k.store)
	if err != nil || values != 2 {
		t.Fatalf("%d values, %v", values, err)
	}
	k.lists.Key = next
	k.set(t, ownWord)
	k.work(t)
	k.want(t, "after a rotation", plimsoll.SettingFailed, "ann")

	storetest.Exec(t, k.store, `UPDATE layer_hash SET sealed_hashes = ?`, []byte("damaged"))
	k.work(t)
	k.want(t, "damaged hashes", plimsoll.SettingNotLooked, "not kept")
	storetest.Exec(t, k.store, `UPDATE password_list SET sealed_words = ?`, []byte("damaged"))
	k.work(t)
	k.want(t, "a damaged list", plimsoll.SettingNotLooked, "enter it again")
	k.set(t, ownWord)
	storetest.Exec(t, k.store, `UPDATE artifact_account SET sources = '[]'`) // as a migration leaves it
	k.work(t)
	k.want(t, "an older scan", plimsoll.SettingNotLooked, "scan the image again")
}

func analyzerIDsOf(list []analyze.Analyzer) (ids []plimsoll.AnalyzerID) {
	for _, a := range list {
		ids = append(ids, a.ID())
	}
	return ids
}

func rowsOf(t *testing.T, s *store.Store, table string) (n int) {
	t.Helper()
	if err := s.DB().Reader.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil { //nolint:gosec // names of tables
		t.Fatal(err)
	}
	return n
}

// databaseFiles are the database and what it has not written back yet.
func databaseFiles(t *testing.T, s *store.Store) []string {
	t.Helper()
	var path string
	if err := s.DB().Reader.QueryRowContext(t.Context(), `SELECT file FROM pragma_database_list WHERE name = 'main'`).Scan(&path); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}
