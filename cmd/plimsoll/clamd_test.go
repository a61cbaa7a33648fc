package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"plimsoll"
	"plimsoll/analyze/malware/clamd/clamdtest"
	"plimsoll/app"
	"plimsoll/app/apptest"
	"plimsoll/app/imagescan"
)

// ownRules is a folder with a rule for what clamdtest.Daemon knows too.
func ownRules(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.yar"), []byte(`rule own { strings: $a = "`+clamdtest.Sample+`" condition: $a }`), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// sampleLayout is an image with a file of each sort that matters to a second engine.
func sampleLayout(t *testing.T) string {
	t.Helper()
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("in")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("in an archive: " + clamdtest.Sample)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	img := packedImage(t, types.OCILayer, apptest.Gzip, apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("bash", "5.2.15-2")),
		apptest.File("srv/both.sh", "#!/bin/sh\n# "+clamdtest.Sample+"\n"), apptest.File("srv/good.sh", "#!/bin/sh\n"),
		apptest.File("srv/big.sh", "#!/bin/sh\n"+strings.Repeat("x", clamdtest.DaemonLimit)),
		apptest.File("srv/notes", clamdtest.Sample), apptest.File("srv/app.zip", packed.String())))
	dir, _ := writeLayout(t, "team/app:1", img)
	return dir
}

// scanOutcome is what a scan says: its status, its words for people, and the malware it found.
func scanOutcome(t *testing.T, args ...string) (status int, words string, found []string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = runProgram(t.Context(), append([]string{"scan", "--allow-not-judged", "--output", "json"}, args...), strings.NewReader(""), &out, &errs)
	var result imagescan.Result
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	for _, m := range result.Malware {
		if len(m.SHA256) != 64 && m.Kind == plimsoll.MalwareMatch {
			t.Errorf("%+v", m)
		}
		found = append(found, strings.Join([]string{m.Path, string(m.Kind), m.Engine, m.Rule}, " "))
	}
	slices.Sort(found)
	return status, errs.String(), found
}

// TestClamd has Debian's daemon look at an image through confined processes, until the daemon dies.
func TestClamd(t *testing.T) {
	socket, address, stop := clamdtest.Daemon(t)
	dir, rules, data := sampleLayout(t), ownRules(t), t.TempDir()
	flags := []string{"--data", data, "--layout", dir, "--rules", rules, "--clamd-max-file", "1MiB", "--clamd"}
	ours := []string{"srv/app.zip!/in match yara/own.yar own", "srv/both.sh match yara/own.yar own", "srv/notes match yara/own.yar own"}
	theirs := []string{
		"srv/app.zip match clamd " + clamdtest.SampleName, "srv/big.sh not_looked clamd larger than clamd takes", "srv/both.sh match clamd " + clamdtest.SampleName,
	}
	want := slices.Sorted(slices.Values(slices.Concat(ours, theirs)))
	for _, at := range []string{"unix:" + socket, "unix:" + socket, "tcp://" + address} { // the second time what was found is known
		if status, words, found := scanOutcome(t, append(flags, at)...); status != exitOK || !cmp.Equal(want, found) {
			t.Errorf("%s: status %d, %s%s", at, status, words, cmp.Diff(want, found))
		}
	}
	if got := cli(t, "", "rules", "list", "--data", data, "--clamd", "tcp://"+address); !strings.Contains(got, address+": ClamAV 1.") {
		t.Errorf("list:\n%s", got)
	}
	stop()
	left := slices.Sorted(slices.Values(append(ours, theirs[1])))
	status, words, found := scanOutcome(t, append(flags, "unix:"+socket)...)
	if status != exitError || !strings.Contains(words, "clamd at "+socket) || !strings.Contains(words, "is the daemon running") || !cmp.Equal(left, found) {
		t.Errorf("after the end of the daemon: status %d, %s%s", status, words, cmp.Diff(left, found))
	}
}

// TestClamdIsAskedOnce: what a daemon said holds until it knows more, or may see more.
func TestClamdIsAskedOnce(t *testing.T) {
	f := clamdtest.New(t, func([]byte, int) string { return "%d: stream: Found FOUND" })
	dir, data := sampleLayout(t), t.TempDir()
	scan := func(args ...string) (asked int) {
		before := len(f.Files())
		status, words, found := scanOutcome(t, append([]string{"--data", data, "--layout", dir, "--clamd", "unix:" + f.Socket}, args...)...)
		if status != exitOK || len(found) != 4 {
			t.Errorf("status %d, %s%v", status, words, found)
		}
		return len(f.Files()) - before
	}
	if n := scan(); n != 4 {
		t.Errorf("%d files were shown", n)
	}
	if n := scan(); n != 0 {
		t.Errorf("%d files were shown again", n)
	}
	f.SetVersion("ClamAV 1.4.6/27001/Tue Nov 24 08:00:00 2026")
	if n := scan(); n != 4 {
		t.Errorf("a new database was shown %d files", n)
	}
	if n := scan("--clamd-max-file", "30MiB"); n != 4 {
		t.Errorf("with another limit %d files were shown", n)
	}
	t.Setenv("PLIMSOLL_IN_PROCESS", "1")
	if n := scan("--no-cache"); n != 4 {
		t.Errorf("in this process %d files were shown", n)
	}
	if n := len(f.Files()); n != 16 {
		t.Errorf("%d files", n)
	}
}

// TestClamdFailsMidScan: a file ends the daemon. The failure is reported, earlier findings stay, and the next scan asks again.
func TestClamdFailsMidScan(t *testing.T) {
	deadly := true
	f := clamdtest.New(t, func(file []byte, _ int) string {
		switch {
		case deadly && bytes.Contains(file, []byte("PK")):
			return "close"
		case bytes.Contains(file, []byte(clamdtest.Sample)):
			return "%d: stream: Found FOUND"
		}
		return clamdtest.Clean
	})
	flags := []string{"--data", t.TempDir(), "--layout", sampleLayout(t), "--clamd", "unix:" + f.Socket}
	status, words, found := scanOutcome(t, flags...)
	if status != exitError || !strings.Contains(words, "srv/app.zip: not shown to the second engine: clamd at ") || !cmp.Equal(found, []string{"srv/both.sh match clamd Found"}) {
		t.Errorf("status %d, %s%v", status, words, found)
	}
	deadly = false
	if status, words, found := scanOutcome(t, flags...); status != exitOK || !slices.Contains(found, "srv/both.sh match clamd Found") {
		t.Errorf("status %d, %s%v", status, words, found)
	}
}

func TestClamdIsListed(t *testing.T) {
	f := clamdtest.New(t, nil)
	data := t.TempDir()
	list := func(at string) (row app.RuleSet) {
		t.Helper()
		var sets []app.RuleSet
		if err := json.Unmarshal([]byte(cli(t, "", "rules", "list", "--data", data, "--output", "json", "--clamd", at)), &sets); err != nil {
			t.Fatal(err)
		}
		return sets[len(sets)-1]
	}
	if got := list("unix:" + f.Socket); got.Version != "ClamAV 1.4.6/27000/Mon Nov 23 08:00:00 2026" || got.Problem != "" || got.Source != "unix:"+f.Socket {
		t.Errorf("%+v", got)
	}
	f.SetVersion("something else")
	if got := list("unix:" + f.Socket); got.Version != "" || !strings.Contains(got.Problem, "does not follow the protocol") {
		t.Errorf("%+v", got)
	}
	if got := list("unix:" + f.Socket + "x"); !strings.Contains(got.Problem, "clamd at ") {
		t.Errorf("%+v", got)
	}
	if got := list("tcp://169.254.169.254:3310"); !strings.Contains(got.Problem, "refused") {
		t.Errorf("%+v", got)
	}
}

// A server starts without its daemon and says so.
func TestServeWithoutItsClamd(t *testing.T) {
	s, err := serveInBackground([]string{"--data", t.TempDir(), "serve", "--listen", "127.0.0.1:0", "--clamd", "unix:/nowhere/clamd.ctl"})
	if err != nil {
		t.Fatal(err)
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("ended with %d", code)
	}
	if got := s.errs.String(); strings.Count(got, "clamd does not answer") != 1 || !strings.Contains(got, "is the daemon running") {
		t.Errorf("said %q", got)
	}
}
