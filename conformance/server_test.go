package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// binary is the server's; TestMain builds it.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "plimsoll-conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "plimsoll")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/plimsoll")
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the server: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// server is a running `plimsoll serve --demo`, with what it wrote for its clients.
type server struct {
	data                                     string
	endpoint, project, token, access, secret string
	cmd                                      *exec.Cmd
	done                                     chan error
}

const patience = 60 * time.Second

// start runs a server until the test ends, and waits until its samples are scanned.
func start(t *testing.T, data string) *server {
	t.Helper()
	s := &server{data: data, done: make(chan error, 1)}
	env := filepath.Join(data, "demo.env")
	if err := os.Remove(env); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	s.cmd = exec.Command(binary, "serve", "--demo", "--listen", "127.0.0.1:0", "--data", data)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	s.cmd.Stderr = &errs
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "X-Auth-Token") { // the last thing it prints
				ready <- true
			}
		}
		s.done <- s.cmd.Wait()
	}()
	t.Cleanup(func() { s.stop(t) })
	select {
	case <-ready:
	case err := <-s.done:
		s.done <- err
		t.Fatalf("the server ended: %v\n%s", err, errs.String())
	case <-time.After(patience):
		t.Fatalf("the server is not ready\n%s", errs.String())
	}
	s.read(t, env)
	return s
}

func (s *server) read(t *testing.T, env string) {
	t.Helper()
	raw, err := os.ReadFile(env)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[strings.TrimPrefix(name, "PLIMSOLL_")] = value
	}
	s.endpoint, s.project, s.token = values["ENDPOINT"], values["PROJECT_ID"], values["TOKEN"]
	s.access, s.secret = values["ACCESS_KEY"], values["SECRET_KEY"]
}

// stop ends the server as a service manager does, and wants it to end well.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the server does not stop")
		_ = s.cmd.Process.Kill()
	}
	s.cmd = nil
}

// own asks one of the server's own operations, as its administrator.
func (s *server) own(t *testing.T, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.endpoint+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", s.token)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, answer, err)
	}
	if out != nil {
		if err := json.Unmarshal(answer, out); err != nil {
			t.Fatal(err)
		}
	}
}

// await asks until done says so.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting: %s", what)
		}
	}
}
