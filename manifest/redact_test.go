package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// stepsWithoutValues are build steps as builders write them, and what is stored of them.
var stepsWithoutValues = map[string]string{
	"/bin/sh -c #(nop)  ENV TOKEN=hunter2":             "ENV TOKEN",
	"ENV TOKEN=hunter2 MORE=hunter2":                   "ENV TOKEN",
	"ENV TOKEN hunter2":                                "ENV TOKEN",
	"ARG PASSWORD=hunter2":                             "ARG PASSWORD",
	"RUN |1 TOKEN=hunter2 /bin/sh -c make # buildkit":  "RUN |1 … /bin/sh -c make # buildkit",
	"|2 A=hunter2 B=hunter2 /bin/sh -c apk add curl":   "|2 … /bin/sh -c apk add curl",
	"|1 TOKEN=hunter2":                                 "|1 …",
	"/bin/sh -c apk add curl":                          "/bin/sh -c apk add curl",
	"/bin/sh -c #(nop) COPY dir:abc in /usr/share/ENV": "/bin/sh -c #(nop) COPY dir:abc in /usr/share/ENV",
	"ENVIRONMENT":                                      "ENVIRONMENT",
}

func TestStorableConfigHasNoValues(t *testing.T) {
	var lines, want []plimsoll.HistoryLine
	var layers []plimsoll.Layer
	for step, kept := range stepsWithoutValues {
		lines, want = append(lines, plimsoll.HistoryLine{CreatedBy: step}), append(want, plimsoll.HistoryLine{CreatedBy: kept})
		layers = append(layers, plimsoll.Layer{CreatedBy: step})
	}
	config := plimsoll.ImageConfig{Env: []string{"TOKEN=hunter2", "EMPTY", "URL=a=hunter2"}, History: slices.Clone(lines)}
	got := Redactor(nil).Storable(config)
	if diff := cmp.Diff(plimsoll.ImageConfig{Env: []string{"TOKEN", "EMPTY", "URL"}, History: want}, got); diff != "" {
		t.Error(diff)
	}
	if config.Env[0] != "TOKEN=hunter2" || !slices.Equal(config.History, lines) {
		t.Error("the argument was changed")
	}
	for i, l := range StorableLayers(layers) {
		if l.CreatedBy != want[i].CreatedBy || layers[i].CreatedBy != lines[i].CreatedBy {
			t.Errorf("layer %q became %q", layers[i].CreatedBy, l.CreatedBy)
		}
	}
}

func TestStorableConfigIsMasked(t *testing.T) {
	mask := Redactor(func(c plimsoll.ImageConfig) plimsoll.ImageConfig {
		c.Cmd = []string{"****"}
		return c
	})
	config := plimsoll.ImageConfig{Cmd: []string{"hunter2"}, Env: []string{"A=b"}}
	if c := mask.Masked(config); c.Cmd[0] != "****" || c.Env[0] != "A=b" {
		t.Errorf("masked: %+v", c)
	}
	if c := mask.Storable(config); c.Cmd[0] != "****" || c.Env[0] != "A" {
		t.Errorf("storable: %+v", c)
	}
}

func FuzzStepWithoutValues(f *testing.F) {
	for _, step := range []string{
		"/bin/sh -c #(nop)  ENV TOKEN=hunter2", "ENV A=b C=d", "ARG P", "RUN |1 A=b /bin/sh -c make", "|1", "ENV ", "COPY . /", "ENV A\t=b ;C=d",
	} {
		f.Add(step)
	}
	f.Fuzz(func(t *testing.T, step string) {
		once := stepWithoutValues(step)
		if twice := stepWithoutValues(once); twice != once {
			t.Errorf("%q became %q and then %q", step, once, twice)
		}
		const value = "a value that nobody would write"
		for _, before := range []string{"ENV ", "ARG ", "/bin/sh -c #(nop) ENV ", "RUN |1 "} {
			name := strings.ReplaceAll(step, " /bin/sh -c ", "")
			if kept := stepWithoutValues(before + name + "=" + value); strings.Contains(kept, value) {
				t.Errorf("%q keeps the value", kept)
			}
		}
	})
}
