package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// registryProcess starts Debian's docker-registry on a free loopback port.
func registryProcess(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath("docker-registry")
	if err != nil {
		if os.Getenv("PLIMSOLL_TEST_REGISTRY") == "required" {
			t.Fatal("docker-registry is not installed (apt-get install docker-registry)")
		}
		t.Skip("needs a real registry process: apt-get install docker-registry")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}\nhttp: {addr: %s}\n", dir, host)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "serve", config)
	var logs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &logs, &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	deadline := time.Now().Add(20 * time.Second)
	for {
		resp, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			resp.Body.Close()
			return host
		}
		if time.Now().After(deadline) {
			t.Fatalf("docker-registry does not answer: %v\n%s", err, logs.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// cli runs the program in this process and returns its standard output.
func cli(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := runProgram(t.Context(), args, strings.NewReader(stdin), &out, &errs); code != exitOK {
		t.Fatalf("plimsoll %v: exit %d\n%s\n%s", args, code, out.String(), errs.String())
	}
	return out.String()
}

// apiServer is a running program with a token for it.
type apiServer struct {
	url, token, project string
}

// startServer runs serve in this process on a free port and signs in as admin.
func startServer(t *testing.T, data, allow string) apiServer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	lines := &lineWatcher{prefix: "listening on ", found: make(chan string, 1)}
	done := make(chan int, 1)
	go func() {
		done <- runProgram(ctx, []string{"--data", data, "--allow-host", allow, "serve", "--listen", "127.0.0.1:0"}, strings.NewReader(""), lines, io.Discard)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	var s apiServer
	select {
	case s.url = <-lines.found:
	case code := <-done:
		done <- code
		t.Fatalf("serve ended with %d before it listened", code)
	}
	body := `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","password":"correct horse battery staple","domain":{"name":"plimsoll"}}}},"scope":{"project":{"name":"default"}}}}`
	resp, err := http.Post(s.url+"/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		raw, _ := io.ReadAll(resp.Body)
		t.Fatalf("sign in: %s %s", resp.Status, raw)
	}
	var signedIn struct {
		Token struct{ Project struct{ ID string } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&signedIn); err != nil {
		t.Fatal(err)
	}
	s.token, s.project = resp.Header.Get("X-Subject-Token"), signedIn.Token.Project.ID
	return s
}

// lineWatcher reports the rest of the first line that starts with prefix.
type lineWatcher struct {
	prefix string
	found  chan string
	buf    bytes.Buffer
}

func (w *lineWatcher) Write(p []byte) (int, error) {
	w.buf.Write(p)
	for {
		line, err := w.buf.ReadString('\n')
		if err != nil {
			w.buf.WriteString(line)
			return len(p), nil
		}
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), w.prefix); ok {
			select {
			case w.found <- rest:
			default:
			}
		}
	}
}

func (s apiServer) get(t *testing.T, path string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v5/"+s.project+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", s.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %s", path, resp.Status, err, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
