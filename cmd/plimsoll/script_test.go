package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"

	"plimsoll/demo"
)

// TestMain lets scripts, and tests that need a real process, run this program: the test
// binary stands in PATH under its name.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plimsoll": main})
}

// TestScripts runs testdata/script: the command line as its users see it. Further
// commands of the scripts:
//
//	samples                  serve the demo's samples and those of fixture_test.go; sets REGISTRY
//	guarded USER SECRET      serve an empty registry behind Basic authentication; sets GUARDED
//	server DIR [FLAG ...]    serve DIR in the background; sets PLIMSOLL_ENDPOINT
//	exits N COMMAND ...      run a command and expect its exit status
//	shape FILE               hold the JSON in stdout against a list of its members and types
//	token USER PASSWORD      sign in at PLIMSOLL_ENDPOINT; sets PLIMSOLL_TOKEN
//	artifact HOW DIR         push a folder of rules: titles, tar, evil or bare; sets ARTIFACT
//	nowhere TEXT DIR         no file below DIR holds the text
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("XDG_DATA_HOME", e.WorkDir+"/xdg")
			if err := writeArchives(e.WorkDir); err != nil {
				return err
			}
			return errors.Join(demo.WriteAdvisories(filepath.Join(e.WorkDir, "records")), writeMirror(filepath.Join(e.WorkDir, "mirror")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"samples": scriptSamples, "guarded": scriptGuarded, "server": scriptServer, "exits": scriptExits,
			"shape": scriptShape, "token": scriptToken, "nowhere": scriptNowhere,
			"artifact": scriptArtifact,
		},
	})
}

func scriptSamples(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := context.WithCancel(context.Background())
	samples, err := demo.StartRegistry(ctx, ts.MkAbs("samples"))
	ts.Check(err)
	ts.Defer(func() { cancel(); _ = samples.Close() })
	ts.Check(pushFixtures(samples.Host()))
	ts.Setenv("REGISTRY", samples.Host())
}

func scriptGuarded(ts *testscript.TestScript, _ bool, args []string) {
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, secret, _ := r.BasicAuth(); user != args[0] || secret != args[1] {
			w.Header().Set("WWW-Authenticate", `Basic realm="guarded"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	ts.Defer(server.Close)
	ts.Setenv("GUARDED", server.Listener.Addr().String())
}

func scriptServer(ts *testscript.TestScript, _ bool, args []string) {
	s, err := serveInBackground(append([]string{"--data", ts.MkAbs(args[0]), "serve", "--listen", "127.0.0.1:0"}, args[1:]...))
	ts.Check(err)
	ts.Defer(func() {
		if code := s.stop(); code != exitOK {
			ts.Fatalf("serve ended with %d: %s", code, s.errs.String())
		}
	})
	ts.Setenv("PLIMSOLL_ENDPOINT", s.url)
}

func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	code := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		code = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("exit status %d, want %d", code, want)
	}
}

func scriptShape(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	got := map[string]bool{}
	collectShape("", v, got)
	var lines []string
	for line := range got {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	want := strings.Split(strings.TrimSpace(ts.ReadFile(args[0])), "\n")
	if d := cmp.Diff(want, lines); d != "" {
		ts.Fatalf("shape (-want +got):\n%s\nall:\n%s", d, strings.Join(lines, "\n"))
	}
}

// collectShape notes the path and type of every member.
func collectShape(path string, v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			collectShape(path+"."+key, item, into)
		}
	case []any:
		into[path+"[]"] = true
		for _, item := range v {
			collectShape(path+"[]", item, into)
		}
	default:
		into[fmt.Sprintf("%s %s", path, jsonType(v))] = true
	}
}

func jsonType(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "bool"
	default:
		return "null"
	}
}

func scriptToken(ts *testscript.TestScript, _ bool, args []string) {
	token, _, err := signIn(ts.Getenv("PLIMSOLL_ENDPOINT"), args[0], args[1])
	ts.Check(err)
	ts.Setenv("PLIMSOLL_TOKEN", token)
}

func scriptNowhere(ts *testscript.TestScript, _ bool, args []string) {
	seen := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err == nil && bytes.Contains(raw, []byte(args[0])) {
			err = fmt.Errorf("%s holds it", path)
		}
		seen++
		return err
	}))
	if seen == 0 {
		ts.Fatalf("no file in %s", args[1])
	}
}
