package scan_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"plimsoll"
	"plimsoll/analyze/all"
	"plimsoll/analyze/malware"
	"plimsoll/analyze/malware/clamd"
)

// daemon is a second engine that finds "bad", as an own rule does, and can be away.
type daemon struct {
	version string
	away    bool
	shown   int
}

func (d *daemon) Scan(_ context.Context, content io.ReaderAt, size int64) (clamd.Result, error) {
	if d.away {
		return clamd.Result{}, plimsoll.Errorf(plimsoll.Unavailable, "no answer")
	}
	d.shown++
	text, err := io.ReadAll(io.NewSectionReader(content, 0, size))
	if strings.Contains(string(text), "bad") {
		return clamd.Result{Signature: "Bad"}, err
	}
	return clamd.Result{}, err
}

func (d *daemon) askVersion(context.Context) (string, error) {
	if d.version == "" {
		return "", errors.New("no version")
	}
	return d.version, nil
}

// employ has a yard's scans ask the daemon.
func (d *daemon) employ(t *testing.T, y *yard) {
	t.Helper()
	config := all.Config{Second: true, Rules: []all.RuleFile{{Name: "own.yar", Data: []byte(`rule Bad { strings: $a = "bad to the bone" condition: $a }`)}}}
	signatures, _, err := all.Signatures(config)
	if err != nil {
		t.Fatal(err)
	}
	signatures.Second = d
	inspector := y.worker.Inspector
	if inspector.Analyzers, err = all.With(config, signatures); err != nil {
		t.Fatal(err)
	}
	inspector.ExternalVersions = map[string]func(context.Context) (string, error){malware.Name: d.askVersion}
}

func (y *yard) malware(t *testing.T, tag string) (out []string) {
	t.Helper()
	list, err := y.store.ImageMalware(t.Context(), y.image(t, tag))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		out = append(out, m.Path+" "+m.Rule+" "+m.Engine)
	}
	return out
}

// TestExternalVersions: stored reports are used while the daemon's database is the same, whether it answers or not. Without an answer a layer is
// analysed again at the next scan, and the last result stays.
func TestExternalVersions(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	d := &daemon{version: "1"}
	d.employ(t, y)
	a := src.image(t, nil, []item{regular("srv/a.sh", "bad to the bone")})
	y.push(t, "1", a)
	step := func(name string, shown int, code plimsoll.FailureCode, state plimsoll.ScanState, want ...string) {
		t.Helper()
		d.shown = 0
		err := y.scan(t, a)
		if plimsoll.FailureOf(err) != code || d.shown != shown {
			t.Errorf("%s: %d files shown, %v", name, d.shown, err)
		}
		if img, got := y.image(t, "1"), y.malware(t, "1"); img.State != state || !slices.Equal(got, want) {
			t.Errorf("%s: %s, %q", name, img.State, got)
		}
	}
	const bad = "srv/a.sh Bad clamd, yara/own.yar" // one finding, though both have a signature of this name
	step("first", 1, "", plimsoll.ScanDone, bad)
	step("again", 0, "", plimsoll.ScanDone, bad)
	d.away = true
	step("away, and stored reports are used", 0, "", plimsoll.ScanDone, bad)
	d.version = "2"
	step("away with another database", 0, plimsoll.FailureEngine, plimsoll.ScanFailed, bad)
	d.away = false
	step("back", 1, "", plimsoll.ScanDone, bad)
	step("and known", 0, "", plimsoll.ScanDone, bad)
	d.version = ""
	for range 2 {
		step("of no version", 1, plimsoll.FailureEngine, plimsoll.ScanFailed, bad)
	}
	d.version = "1"
	step("the first database again", 0, "", plimsoll.ScanDone, bad)

	// What our own engine finds meanwhile is shown, and the image is no clean one.
	d.away = true
	b := src.image(t, nil, []item{regular("srv/b.sh", "bad to the bone")})
	y.push(t, "2", b)
	if err := y.scan(t, b); plimsoll.FailureOf(err) != plimsoll.FailureEngine {
		t.Error(err)
	}
	if img, got := y.image(t, "2"), y.malware(t, "2"); img.State != plimsoll.ScanFailed || !slices.Equal(got, []string{"srv/b.sh Bad yara/own.yar"}) {
		t.Errorf("%s, %q", img.State, got)
	}
}
