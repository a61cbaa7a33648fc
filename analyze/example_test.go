package analyze_test

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

// debugMode finds .env files that switch debug mode on. It is the example of docs/add-an-analyzer.md.
type debugMode struct{}

const debugModeName = "debugmode"

// ID implements analyze.Analyzer.
func (debugMode) ID() plimsoll.AnalyzerID {
	return plimsoll.AnalyzerID{Name: debugModeName, Version: "1"}
}

// Failure implements analyze.Analyzer.
func (debugMode) Failure() plimsoll.FailureCode { return plimsoll.FailureSettings }

// Wants implements analyze.FileAnalyzer.
func (debugMode) Wants(e plimsoll.Entry) bool { return path.Base(e.Path) == ".env" }

// Analyze implements analyze.FileAnalyzer. An archive may contain a path twice: the later entry counts.
func (debugMode) Analyze(_ context.Context, f analyze.File, out *plimsoll.LayerReport) error {
	out.Findings = slices.DeleteFunc(out.Findings, func(x plimsoll.FileFinding) bool { return x.Path == f.Path })
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		if lines.Text() == "DEBUG=true" {
			out.Findings = append(out.Findings, plimsoll.FileFinding{Path: f.Path, Rule: "debug-mode", Severity: plimsoll.SeverityLow, Line: n})
		}
	}
	return lines.Err()
}

// An analyzer reads two layers, and its kind folds the reports into the record of the image.
func ExampleFileFindings() {
	set, err := analyze.NewSet([]analyze.Analyzer{analyze.Tree{}, debugMode{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	kinds := []analyze.Kind{analyze.FileFindings(debugModeName)}

	lower := analyzeFiles(set, "one", "srv/a/.env", "NAME=a\nDEBUG=true\n", "srv/b/.env", "DEBUG=true\n")
	upper := analyzeFiles(set, "two", "srv/b/.wh..env", "")
	view, err := analyze.Fold([][]plimsoll.LayerReport{lower, upper}, plimsoll.DefaultBudget(), kinds)
	if err != nil {
		fmt.Println(err)
		return
	}
	var record plimsoll.ScanRecord
	for _, k := range kinds {
		k.Fold(analyze.FoldInput{View: view}, &record)
	}
	for _, f := range record.Findings[debugModeName] {
		fmt.Println(f.Layer, f.Path, f.Line, f.Rule, f.Shadowed)
	}
	// Output:
	// one srv/a/.env 2 debug-mode false
	// one srv/b/.env 1 debug-mode true
}

// analyzeFiles returns the reports about a layer of files, given as path and content.
func analyzeFiles(set *analyze.Set, diffID plimsoll.Digest, files ...string) []plimsoll.LayerReport {
	run := set.Run(context.Background(), plimsoll.DefaultBudget(), nil)
	for file := range slices.Chunk(files, 2) {
		entry := plimsoll.Entry{Path: file[0], Mode: 0o644, Size: int64(len(file[1]))}
		if err := run.Visit(entry, strings.NewReader(file[1])); err != nil {
			panic(err)
		}
	}
	reports, _ := run.Reports()
	for i := range reports {
		reports[i].DiffID = diffID
	}
	return reports
}
