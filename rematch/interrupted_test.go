package rematch_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/store/sqldb"
)

// changingSite has two images that share a set, judged by an old revision, and advisories
// that add, change and withdraw.
func changingSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	f := feed{"a": advisoryOf("CVE-2026-0001", "Debian:12", "bash", "2"), "b": advisoryOf("CVE-2026-0002", "Debian:12", "curl", "2"), "c": advisoryOf("CVE-2026-0003", "Debian:12", "zlib", "2")}
	publishFeed(t, s.advisories, "feed", f)
	s.scan(t, "one", setOf(plimsoll.SetOS, "bash", "curl"), setOf(plimsoll.SetLanguage, "zlib"))
	s.scan(t, "two", setOf(plimsoll.SetOS, "bash", "curl"), setOf(plimsoll.SetLanguage, "dash", "zlib"))
	s.scan(t, "three", setOf(plimsoll.SetOS, "dash"))
	s.rematch(t)
	f["d"] = advisoryOf("CVE-2026-0004", "Debian:12", "dash", "2")
	f["b"] = advisoryOf("CVE-2026-0002", "Debian:12", "curl", "3")
	f["e"] = advisoryOf("CVE-2026-0005", "Debian:12", "bash", "3")
	delete(f, "c")
	publishFeed(t, s.advisories, "feed", f)
	return s
}

// cutter is a dialect that calls cut after a number of statements.
type cutter struct {
	sqldb.Dialect
	mu   sync.Mutex
	left int
	cut  context.CancelFunc
}

func (c *cutter) Rebind(query string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		c.cut()
	}
	return c.Dialect.Rebind(query)
}

// TestInterruptedAtAnyStatement: after a rematch that is interrupted at any statement, counts
// and lists agree, and the next one ends in the same state.
func TestInterruptedAtAnyStatement(t *testing.T) {
	whole := changingSite(t)
	whole.rematch(t)
	want := whole.state(t)
	for n, cut := 1, true; cut; n += 2 + rand.IntN(4) {
		s := changingSite(t)
		ctx, stop := context.WithCancel(t.Context())
		dialect := s.inventory.DB().Dialect
		s.inventory.DB().Dialect = &cutter{Dialect: dialect, left: n, cut: stop}
		err := s.rematcher(s.inventory).Work(ctx, plimsoll.Work{})
		cut = ctx.Err() != nil
		stop()
		if cut != errors.Is(err, context.Canceled) && err != nil {
			t.Fatalf("cut off at statement %d: %v", n, err)
		}
		dir := s.dir
		s.close()
		s = openSite(t, dir)
		if err := s.wantConsistent(t.Context(), fmt.Sprint("cut off at statement ", n)); err != nil {
			t.Error(err)
		}
		if n%2 == 0 { // another process stores an image before the rematch resumes
			s.scan(t, "three", setOf(plimsoll.SetOS, "dash"))
		}
		s.rematch(t)
		if diff := cmp.Diff(want, s.state(t)); diff != "" {
			t.Fatalf("cut off at statement %d (-want +got)\n%s", n, diff)
		}
		s.close()
		if n > 1000 {
			t.Fatal("a rematch of five packages runs more than 1,000 statements")
		}
	}
}

// TestKilledAtAnyStatement is the same with a process that is killed: this test runs
// itself as that process.
func TestKilledAtAnyStatement(t *testing.T) {
	const folder, statements = "PLIMSOLL_TEST_SITE", "PLIMSOLL_TEST_STATEMENTS"
	if dir := os.Getenv(folder); dir != "" {
		s := openSite(t, dir)
		n, err := strconv.Atoi(os.Getenv(statements))
		if err != nil {
			t.Fatal(err)
		}
		s.inventory.DB().Dialect = &cutter{Dialect: s.inventory.DB().Dialect, left: n, cut: func() { syscall.Kill(os.Getpid(), syscall.SIGKILL) }}
		s.rematch(t)
		return
	}
	whole := changingSite(t)
	whole.rematch(t)
	want := whole.state(t)
	for n, killed := 2+rand.IntN(8), true; killed; n += 5 + rand.IntN(8) {
		s := changingSite(t)
		s.close()
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledAtAnyStatement$")
		child.Env = append(os.Environ(), folder+"="+s.dir, statements+"="+strconv.Itoa(n))
		out, err := child.CombinedOutput()
		if killed = err != nil; killed && child.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the process that was to be killed: %v\n%s", err, out)
		}
		s = openSite(t, s.dir)
		if err := s.wantConsistent(t.Context(), fmt.Sprint("killed at statement ", n)); err != nil {
			t.Error(err)
		}
		s.rematch(t)
		if diff := cmp.Diff(want, s.state(t)); diff != "" {
			t.Fatalf("killed at statement %d (-want +got)\n%s", n, diff)
		}
		s.close()
	}
}
