package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/app/apptest"
	"plimsoll/demo"
)

// Of a sync that is killed again and again.
const (
	crashRepositories = 20
	crashTags         = 25 // images of each
	crashKills        = 3
)

// crashSeed decides the moments of the kills; make soak goes through many.
func crashSeed(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("PLIMSOLL_TEST_SEED"), 10, 64)
	if err != nil {
		return 1
	}
	return seed
}

// TestKilledServerLosesNothing kills the real program with SIGKILL in the middle of a sync of
// 500 images, three times, and once a child of it that reads layers. Started once more, it comes to an end with every image scanned
// once, every task counted right, a sound database and no temporary file.
func TestKilledServerLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	binary := filepath.Join(t.TempDir(), "plimsoll")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	e := apptest.NewRegistry(t)
	for r := range crashRepositories {
		base := apptest.Tar(t, apptest.File("etc/os-release", apptest.DebianRelease), apptest.File("var/lib/dpkg/status", apptest.Dpkg("openssl", "3.0.11-1~deb12u2")+apptest.Dpkg("app"+strconv.Itoa(r), "1.0-1")))
		for n := range crashTags {
			top := apptest.Tar(t, apptest.File("srv/eicar.com", apptest.EICAR), apptest.File("srv/name", fmt.Sprint(r, "-", n)))
			repository := fmt.Sprintf("crash/app%d", r)
			e.Push(t, repository, [][]byte{apptest.Gzip(t, base), apptest.Gzip(t, top)}, []plimsoll.Digest{plimsoll.DigestOf(base), plimsoll.DigestOf(top)}, nil)
			e.Retag(repository, "1", "v"+strconv.Itoa(n))
		}
	}
	c := newCrash(t, binary, e)
	seed := crashSeed(t)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable moments, no secret
	for round := range crashKills {
		c.start(t)
		c.sync(t)
		after := 50*time.Millisecond + time.Duration(random.IntN(1500))*time.Millisecond
		time.Sleep(after / 2)
		if round == 0 {
			// Once only: a second death of the same image's analysis would put it into quarantine.
			c.killChild(t)
		}
		time.Sleep(after / 2)
		c.kill(t, syscall.SIGKILL)
		t.Logf("seed %d: killed after %s with %s", seed, after, c.states(t))
	}
	c.start(t)
	c.sync(t)
	c.idle(t)
	c.kill(t, syscall.SIGTERM)
	c.sound(t)
}

// killChild kills a process that the server started to read layers, where /proc lists it.
func (c *crash) killChild(t *testing.T) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Log("no /proc: no child is killed")
		return
	}
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// pid (command) state parent …: proc_pid_stat(5). The command may hold anything.
		_, rest, _ := strings.Cut(string(raw[bytes.LastIndexByte(raw, ')')+1:]), " ")
		if fields := strings.Fields(rest); len(fields) > 1 && fields[1] == strconv.Itoa(c.cmd.Process.Pid) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				t.Fatal(err)
			}
			t.Logf("killed child %d", pid)
			return
		}
	}
	t.Error("the server has no child that reads layers")
}

// crash is a server process that is started over and over on one data directory.
type crash struct {
	binary, data, temporary, host string
	cmd                           *exec.Cmd
	log                           lockedBuffer
	server                        apiServer
}

const crashPassword = "correct horse battery staple"

func newCrash(t *testing.T, binary string, e *apptest.Registry) *crash {
	t.Helper()
	c := &crash{binary: binary, data: t.TempDir(), temporary: t.TempDir(), host: e.Host()}
	records := filepath.Join(t.TempDir(), demo.FeedName)
	if err := demo.WriteAdvisories(records); err != nil {
		t.Fatal(err)
	}
	cli(t, "", "--data", c.data, "advisories", "import", records)
	cli(t, "", "--data", c.data, "registry", "add", "evil", e.URL, "--allow-host", c.host)
	cli(t, crashPassword+"\n", "--data", c.data, "user", "password", "admin")
	return c
}

// start starts the server and signs in.
func (c *crash) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c.cmd = exec.CommandContext(ctx, c.binary, "--data", c.data, "--allow-host", c.host, "serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
	c.cmd.Env = append(os.Environ(), "TMPDIR="+c.temporary)
	c.cmd.Stderr = &c.log
	t.Cleanup(cancel)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			c.server.url = url
			break
		}
	}
	go io.Copy(io.Discard, out) //nolint:errcheck // ends with the process
	if c.server.token, c.server.project, err = signIn(c.server.url, "admin", crashPassword); err != nil {
		t.Fatalf("%v\n%s", err, c.log.String())
	}
}

// sync asks for a sync.
func (c *crash) sync(t *testing.T) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.server.url+"/api/v1/registries/evil/sync", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", c.server.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		raw, _ := io.ReadAll(resp.Body)
		t.Fatalf("sync: %s %s", resp.Status, raw)
	}
}

// idle waits until nothing is left to do.
func (c *crash) idle(t *testing.T) {
	t.Helper()
	db := c.open(t)
	defer db.Close()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(90 * time.Second)
	for {
		open := apptest.Query(t, db, `SELECT state, COUNT(*) FROM backlog WHERE state IN ('pending', 'running') GROUP BY state`)
		if len(open) == 0 {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not idle: %v\n%s", open, c.log.String())
		case <-tick.C:
		}
	}
}

// kill ends the server by a signal and waits for it.
func (c *crash) kill(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil && signal != syscall.SIGKILL {
		t.Errorf("the server ended with %v\n%s", err, c.log.String())
	}
}

func (c *crash) open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(c.data, "plimsoll.db")+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func (c *crash) states(t *testing.T) string {
	t.Helper()
	db := c.open(t)
	defer db.Close()
	return fmt.Sprint(apptest.Query(t, db, `SELECT state, COUNT(*) FROM backlog GROUP BY state`))
}

// sound holds what is stored in the end against what must be.
func (c *crash) sound(t *testing.T) {
	t.Helper()
	db := c.open(t)
	defer db.Close()
	for _, check := range []struct {
		what, statement string
		want            []string
	}{
		{"integrity", `PRAGMA integrity_check`, []string{"[ok]"}},
		{"foreign keys", `PRAGMA foreign_key_check`, nil},
		{"images that are neither scanned nor given up", `SELECT repository, tag, scan_state, failure FROM image WHERE scan_state <> 'done' AND failure <> 'interrupted'`, nil},
		{"findings of scanned images", `SELECT DISTINCT vulnerabilities > 0, malware FROM image WHERE scan_state = 'done'`, []string{"[1 1]"}},
		{"how many the counts differ by", `SELECT COUNT(DISTINCT vulnerabilities) FROM image WHERE scan_state = 'done'`, []string{"[1]"}},
		{"images", `SELECT COUNT(*) FROM image`, []string{fmt.Sprint([]int{crashRepositories * crashTags})}},
		{"package sets", `SELECT COUNT(*) FROM package_set`, []string{fmt.Sprint([]int{crashRepositories})}},
		{"findings twice", `SELECT s.set_id, s.package_id, v.vulnerability FROM set_vulnerability s JOIN verdict v ON v.id = s.verdict_id
			WHERE s.to_revision IS NULL GROUP BY 1, 2, 3 HAVING COUNT(*) > 1`, nil},
		{"open work", `SELECT id, state FROM backlog WHERE state NOT IN ('done', 'failed', 'stopped')`, nil},
		{"tasks that did not end", `SELECT id, state, done, failed, total FROM task WHERE state <> 'finished' OR done + failed <> total`, nil},
		{"tasks that were counted wrong", `SELECT t.id, t.done, t.failed FROM task t WHERE
			t.done <> (SELECT COUNT(*) FROM task_work w JOIN backlog b ON b.id = w.backlog_id WHERE w.task_id = t.id AND b.state = 'done') OR
			t.failed <> (SELECT COUNT(*) FROM task_work w JOIN backlog b ON b.id = w.backlog_id WHERE w.task_id = t.id AND b.state = 'failed')`, nil},
	} {
		if d := cmp.Diff(check.want, apptest.Query(t, db, check.statement)); d != "" {
			t.Errorf("%s (-want +got):\n%s", check.what, d)
		}
	}
	for _, dir := range []string{c.temporary, filepath.Join(c.data, "tmp")} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && path != dir {
				t.Errorf("left behind: %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
