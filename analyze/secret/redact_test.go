package secret

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// TestRedact checks that Redact removes what Config finds, and keeps the rest.
func TestRedact(t *testing.T) {
	e, s := newTestEngine(t), newSynth(5)
	for id, c := range ruleCases {
		if c.path != "" {
			continue
		}
		text := s.text(t, c.hit)
		config := plimsoll.ImageConfig{
			Env: []string{"PATH=/bin", "X=" + text}, Labels: map[string]string{"a.b": text, "ok": "plain"}, Cmd: []string{"serve", text}, Entrypoint: []string{"/bin/sh", "-c", text},
			History: []plimsoll.HistoryLine{{CreatedBy: "RUN " + text, Comment: text}, {CreatedBy: "RUN |1 A=" + text + " /bin/sh -c make"}},
		}
		before := fmt.Sprint(config)
		found, err := e.Config(config)
		if err != nil {
			t.Fatal(err)
		}
		clean := e.Redact(config)
		if fmt.Sprint(config) != before {
			t.Errorf("%s: the config itself was changed", id)
		}
		if left, err := e.Config(clean); err != nil || len(left) > 0 {
			t.Errorf("%s: of %d findings %d are left: %v %v", id, len(found), len(left), left, err)
		}
		if clean.Env[0] != "PATH=/bin" || clean.Labels["ok"] != "plain" || clean.Cmd[0] != "serve" || len(clean.History) != 2 {
			t.Errorf("%s: more than secrets is gone: %+v", id, clean)
		}
	}
	token := "ghp_" + "q7Zr2KpX9vLm4TnB8wYc3" + "HdF6sJgA1eRu5Qk"
	config := e.Redact(plimsoll.ImageConfig{
		History: []plimsoll.HistoryLine{{CreatedBy: "RUN curl -H 'Authorization: token " + token + "' https://x | sh"}},
		Labels:  map[string]string{"key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA" + strings.Repeat("q7Zr2KpX9vLm4TnB8wYc3\n", 40) + "-----END RSA PRIVATE KEY-----"},
	})
	if diff := cmp.Diff("RUN curl -H 'Authorization: token ghp_****' https://x | sh", config.History[0].CreatedBy); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(config.Labels["key"], "q7Zr") {
		t.Errorf("a key is left: %q", config.Labels["key"])
	}
	if whole := e.Redact(plimsoll.ImageConfig{Cmd: []string{strings.Repeat("a", maxConfigText+1)}}); !slices.Equal(whole.Cmd, []string{mask}) {
		t.Error("a text too long to look at is left")
	}
}
