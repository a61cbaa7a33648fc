package scan_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/layer"
	"plimsoll/scan"
	"plimsoll/store"
)

// notices is an analyzer that only this test has: it reports files named NOTICE.
type notices struct{}

const noticesName = "notices"

func (notices) ID() plimsoll.AnalyzerID       { return plimsoll.AnalyzerID{Name: noticesName, Version: "1"} }
func (notices) Failure() plimsoll.FailureCode { return plimsoll.FailureUnknown }
func (notices) Wants(e plimsoll.Entry) bool   { return path.Base(e.Path) == "NOTICE" }

func (notices) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	text, err := io.ReadAll(f)
	if err == nil && bytes.Contains(text, []byte("unreadable")) {
		err = errors.New("the notice is unreadable")
	}
	if err == nil {
		out.Findings = append(out.Findings, plimsoll.FileFinding{Path: f.Path, Rule: "notice", Detail: string(text)})
	}
	return err
}

// noticesKind needs the file etc/NOTICE if the image has it.
type noticesKind struct{ analyze.Kind }

func (k noticesKind) Fold(in analyze.FoldInput, record *plimsoll.ScanRecord) []plimsoll.FileFailure {
	finder := analyze.FileFinder{View: in.View, Code: plimsoll.FailureUnknown}
	found := layer.CollectItems(in.View, func(r *plimsoll.LayerReport) []plimsoll.FileFinding { return r.Findings },
		func(f *plimsoll.FileFinding) string { return f.Path })
	if n := finder.Find("etc/NOTICE"); n != nil && found.At(n) == nil {
		finder.AddUnread(n)
	}
	return append(k.Kind.Fold(in, record), finder.Unread...)
}

// recordingStore keeps the records that it saves.
type recordingStore struct {
	*store.Store
	records []plimsoll.ScanRecord
}

func (s *recordingStore) SaveScan(ctx context.Context, r plimsoll.ScanRecord) (bool, error) {
	s.records = append(s.records, r)
	return s.Store.SaveScan(ctx, r)
}

// scanWithNotices scans an image with the analyzer and the kind of this test beside all others, and returns
// the record that is saved.
func scanWithNotices(t *testing.T, layers ...[]item) (plimsoll.ScanRecord, error) {
	t.Helper()
	src := newMemory()
	y := newYard(t, src)
	saved := &recordingStore{Store: y.store}
	y.worker.Store = saved
	i := y.worker.Inspector
	i.Analyzers = append(i.Analyzers, notices{})
	i.Kinds = append(i.Kinds, noticesKind{analyze.FileFindings(noticesName)})
	a := src.image(t, nil, layers...)
	y.push(t, "1", a)
	err := y.scan(t, a)
	if len(saved.records) != 1 {
		t.Fatalf("%d records, %v", len(saved.records), err)
	}
	return saved.records[0], err
}

func TestAddedKindIsCarriedToTheRecord(t *testing.T) {
	record, err := scanWithNotices(t,
		[]item{regular("srv/a/NOTICE", "a"), regular("srv/b/NOTICE", "b"), regular("srv/c/NOTICE", "c")},
		[]item{regular("srv/a/NOTICE", "new"), regular("srv/b/.wh.NOTICE", "")})
	if err != nil {
		t.Fatal(err)
	}
	want := []plimsoll.FileFinding{
		{Path: "srv/a/NOTICE", Rule: "notice", Detail: "a", Shadowed: true},
		{Path: "srv/b/NOTICE", Rule: "notice", Detail: "b", Shadowed: true},
		{Path: "srv/c/NOTICE", Rule: "notice", Detail: "c"},
		{Path: "srv/a/NOTICE", Rule: "notice", Detail: "new"},
	}
	got := record.Findings[noticesName]
	for i := range got {
		if got[i].Layer == "" {
			t.Errorf("%+v has no layer", got[i])
		}
		got[i].Layer = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if record.Sets == nil || record.Settings == nil || record.Secrets == nil || record.Malware == nil {
		t.Error("another part is missing")
	}
}

// TestAddedKindIsIncomplete: what could not be looked at withholds this kind's part and no other.
func TestAddedKindIsIncomplete(t *testing.T) {
	for name, layers := range map[string][][]item{
		"the analyzer fails": {{regular("srv/NOTICE", "unreadable"), regular("srv/c/NOTICE", "c")}},
		"a needed file is not read": {{regular("srv/NOTICE", "c"), regular("lib/text", "x"),
			{header{Name: "etc/NOTICE", Typeflag: '2', Linkname: "../lib/text", Mode: 0o777}, ""}}},
		"a needed file leads in circles": {{{header{Name: "etc/NOTICE", Typeflag: '2', Linkname: "NOTICE", Mode: 0o777}, ""}}},
	} {
		record, err := scanWithNotices(t, layers...)
		incomplete, ok := errors.AsType[*scan.Incomplete](err)
		if !ok || len(incomplete.Kinds) != 1 || incomplete.Kinds[0].Name() != noticesName {
			t.Errorf("%s: %v", name, err)
		}
		if _, found := record.Findings[noticesName]; found || record.Failure != plimsoll.FailureUnknown {
			t.Errorf("%s: %+v with failure %q", name, record.Findings, record.Failure)
		}
		if record.Sets == nil || record.Settings == nil || record.Secrets == nil || record.Malware == nil {
			t.Errorf("%s: another part is missing", name)
		}
	}
	record, err := scanWithNotices(t, []item{regular("srv/NOTICE", "unreadable")}, []item{regular("srv/.wh.NOTICE", "")})
	if _, found := record.Findings[noticesName]; err != nil || !found {
		t.Errorf("a failure that an upper layer hides matters: %v", err)
	}
	if len(record.Findings[noticesName]) > 0 {
		t.Errorf("%+v", record.Findings)
	}
}
