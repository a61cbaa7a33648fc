package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestChildEndsWithItsParent kills a process that has a pool with a child at work that does
// not read: the child must not live on.
func TestChildEndsWithItsParent(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("needs /proc to look for processes")
	}
	parent := exec.Command(os.Args[0], "parent", t.TempDir())
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child := strings.TrimSpace(line)
	if !lives(child) {
		t.Fatalf("no child %q", child)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for deadline := time.Now().Add(10 * time.Second); lives(child); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("child %s outlives its parent", child)
		}
	}
}

// lives reports whether a process is there and not only waits to be reaped.
func lives(pid string) bool {
	raw, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(raw), ") Z ")
}

// parentOfOne is what the test above kills.
func parentOfOne(temp string) {
	p := New(Options{Command: []string{"", "child", "tricks"}, Identity: []byte("tricks"), Temp: temp})
	_, _ = p.Run(context.Background(), []byte("steps"), strings.NewReader(""), func(int64) error { // goes on until it is killed
		for c := range p.children {
			fmt.Println(c.cmd.Process.Pid)
		}
		return nil
	})
}
