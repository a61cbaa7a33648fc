package intake_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"plimsoll"
)

// TestValuesOfVariablesAreNotStored syncs an image whose config has secrets that no rule finds.
func TestValuesOfVariablesAreNotStored(t *testing.T) {
	h := newHub(t)
	image := linuxImage(t, 1)
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.Config.Env = []string{"TOKEN=hunter2", "EMPTY", "URL=a=hunter2"}
	config.History = []v1.History{
		{CreatedBy: "/bin/sh -c #(nop)  ENV TOKEN=hunter2", EmptyLayer: true},
		{CreatedBy: "RUN |1 TOKEN=hunter2 /bin/sh -c make # buildkit"},
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	h.push(t, "team/web:1", image)
	s := newSite(t, h)
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.store.Artifact(t.Context(), s.reg.Tenant, plimsoll.Digest(digest.String()))
	if err != nil || got.Settings == nil || len(got.Settings.History) != 2 || len(got.Layers) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if !slices.Equal(got.Settings.Env, []string{"TOKEN", "EMPTY", "URL"}) || got.Settings.History[0].CreatedBy != "ENV TOKEN" ||
		got.Layers[0].CreatedBy != "RUN |1 … /bin/sh -c make # buildkit" || got.Layers[0].DiffID == "" {
		t.Errorf("stored: %+v, %+v", got.Settings, got.Layers)
	}
	for _, file := range []string{s.path, s.path + "-wal"} {
		raw, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "hunter2") {
			t.Errorf("%s contains a value of a variable", file)
		}
	}
}
