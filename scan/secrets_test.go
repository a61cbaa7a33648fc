package scan_test

import (
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

const plantedToken = "ghp_" + "q7Zr2KpX9vLm4TnB8wYc3" + "HdF6sJgA1eRu5Qk"

func (y *yard) secrets(t *testing.T, tag string) []string {
	t.Helper()
	list, err := y.store.ImageSecrets(t.Context(), y.image(t, tag))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range list {
		word := s.Path + " " + s.Rule
		if s.Shadowed {
			word += " shadowed"
		}
		out = append(out, word)
	}
	slices.Sort(out)
	return out
}

// TestSecretsOfConfigs: the config's bytes are read once, though what is stored of it has no
// values; other images with the same config need not be read.
func TestSecretsOfConfigs(t *testing.T) {
	src := newMemory()
	src.env = []string{"PATH=/bin", "API_TOKEN=" + plantedToken}
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("srv/a", plantedToken), regular("srv/b", plantedToken)}, []item{regular("srv/.wh.b", "")})
	y.push(t, "1", a)
	want := []string{"image-config://env/API_TOKEN github-token", "srv/a github-token", "srv/b github-token shadowed"}
	for range 2 {
		if err := y.scan(t, a); err != nil {
			t.Fatal(err)
		}
		if got := y.secrets(t, "1"); !slices.Equal(got, want) {
			t.Errorf("secrets %q", got)
		}
	}
	if n := src.reads[a.Config.Digest]; n != 1 {
		t.Errorf("two scans read the config %d times", n)
	}
	stored, err := y.store.Artifact(t.Context(), plimsoll.Tenant{ProjectID: "p", EnterpriseProject: "0"}, a.Digest)
	if err != nil || strings.Contains(strings.Join(stored.Settings.Env, " "), "=") {
		t.Errorf("stored: %+v %v", stored.Settings, err)
	}
}

// TestSecretsThatCouldNotBeLookedFor: a part that failed keeps what was last found.
func TestSecretsThatCouldNotBeLookedFor(t *testing.T) {
	src := newMemory()
	src.env = []string{"API_TOKEN=" + plantedToken}
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("srv/a", plantedToken)})
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	// Variables with more text than is looked at.
	src.env = []string{"BIG=" + strings.Repeat("a ", 1<<20)}
	b := src.image(t, nil, []item{regular("srv/a", plantedToken), regular("srv/c", plantedToken)})
	y.push(t, "2", b)
	err := y.scan(t, b)
	if plimsoll.FailureOf(err) != plimsoll.FailureSecrets {
		t.Errorf("error %v", err)
	}
	if img := y.image(t, "2"); img.State != plimsoll.ScanFailed || img.Failure != plimsoll.FailureSecrets || img.Counts == nil {
		t.Errorf("%+v", img)
	}
	if got := y.secrets(t, "1"); len(got) != 2 {
		t.Errorf("secrets of the other: %q", got)
	}
	if got := y.secrets(t, "2"); len(got) != 0 {
		t.Errorf("half of the secrets look like all: %q", got)
	}
}
