package secret

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze/window"
)

// Bounds of one file and one layer. Exceeding one is reported as an error.
const (
	MaxPerFile  = 100    // findings of one file
	MaxPerLayer = 10_000 // findings of one layer

	maxEffort   = 1_000_000 // for the literals of one file, in the units below
	maxLineFile = 1 << 20   // bytes of a file that is searched line by line
	maxLine     = 8 << 10   // bytes of such a line
	lineStep    = 32 << 10  // bytes that are read at a time to count lines
)

// The maximum cost of one literal, in units of about ten microseconds: a regular expression may test all bytes in reach,
// code stops at the first byte that does not match.
const (
	effortExpression = 10
	effortCode       = 1
)

// File searches one file for secrets. It is not safe for concurrent use.
type File struct {
	engine    *Engine
	path      string
	low       string // path in lower case
	base      string // base name in lower case
	kind      fileKind
	binary    bool
	view      *window.Window
	lineRules []int // rules for lines of a file with this name
	found     []finding
	seen      map[[2]int64]int // index in found by rule and offset
	effort    int
	err       error
	readErr   error
}

// finding is a match of a rule and its bytes in the file.
type finding struct {
	rule, literal int
	from, to      int64
	line          int
}

// Open starts a file. content is the whole file; it is used until Close.
func (e *Engine) Open(path string, content io.ReaderAt, size int64) *File {
	return e.openWindow(path, window.New(content, size))
}

// OpenBytes is Open for a file in memory. It copies nothing.
func (e *Engine) OpenBytes(path string, content []byte) *File {
	return e.openWindow(path, window.NewBytes(content))
}

func (e *Engine) openWindow(name string, v *window.Window) *File {
	f := &File{engine: e, path: name, low: strings.ToLower(name), view: v}
	f.base = path.Base(f.low)
	f.kind = kindOf(f.low, f.base)
	head, err := f.view.Slice(0, headLength)
	f.keepReadError(err)
	f.binary = isBinary(head)
	f.lineRules = e.lineRulesFor(f.low, f.base)
	return f
}

// keepReadError keeps the first error of the content's reader.
func (f *File) keepReadError(err error) {
	if f.readErr == nil && err != nil {
		f.readErr = err
	}
}

// Hit reports an occurrence of a literal; offset is that of its first byte.
func (f *File) Hit(literal int, offset int64) {
	if literal < 0 || literal >= len(f.engine.literals) || f.readErr != nil {
		return
	}
	for _, n := range f.engine.rulesByLiteral[literal] {
		r := &f.engine.rules[n]
		if f.binary && !r.binary || r.kinds != 0 && r.kinds&f.kind == 0 && !f.binary || !r.matchesName(f.low, f.base) {
			continue
		}
		f.verifyHit(n, literal, offset)
	}
}

func (f *File) verifyHit(rule, literal int, offset int64) {
	if f.effort += f.engine.rules[rule].effort(); f.effort > maxEffort {
		f.failOversized("more possible secrets than the limit")
		return
	}
	from := max(0, offset-maxReach)
	around, err := f.view.Slice(from, int(offset-from)+len(f.engine.literals[literal].Bytes)+maxReach)
	if err != nil {
		f.keepReadError(err)
		return
	}
	at := int(offset - from)
	if at >= len(around) {
		return
	}
	c := candidate{before: around[:at], after: around[at:], kind: f.kind}
	if a, b, ok := f.engine.rules[rule].verify(&c); ok {
		f.addFinding(finding{rule: rule, literal: literal, from: offset + int64(a), to: offset + int64(b)})
	}
}

func (r *compiledRule) effort() int {
	if r.match != nil {
		return effortCode
	}
	return effortExpression
}

func (f *File) addFinding(x finding) {
	key := [2]int64{int64(x.rule), x.from}
	if i, ok := f.seen[key]; ok {
		// The longer literal is more informative. It must win whatever the order of the hits.
		if y := &f.found[i]; f.literalLen(x) > f.literalLen(*y) {
			y.literal = x.literal
		}
		return
	}
	// Twice as many as are reported, because dropWeaker removes some.
	if len(f.found) >= 2*MaxPerFile {
		f.failOversized(fmt.Sprintf("more than %d findings in one file, the others are not listed", MaxPerFile))
		return
	}
	if f.seen == nil {
		f.seen = map[[2]int64]int{}
	}
	f.seen[key] = len(f.found)
	f.found = append(f.found, x)
}

func (f *File) literalLen(x finding) int {
	if x.literal < 0 {
		return 0
	}
	return len(f.engine.literals[x.literal].Bytes)
}

func (f *File) failOversized(what string) {
	if f.err == nil {
		f.err = plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "secrets: %s", what))
	}
}

// Close returns the findings. The error describes what was not searched or not listed; the findings are valid in any
// case.
func (f *File) Close() ([]plimsoll.Secret, error) {
	f.matchLines()
	f.dropWeaker()
	if len(f.found) > MaxPerFile {
		f.found = f.found[:MaxPerFile]
		f.failOversized(fmt.Sprintf("more than %d findings in one file, the others are not listed", MaxPerFile))
	}
	f.addLineNumbers()
	var out []plimsoll.Secret
	for i, x := range f.found {
		r := f.engine.rules[x.rule]
		if i > 0 && f.found[i-1].rule == x.rule && f.found[i-1].line == x.line {
			continue
		}
		out = append(out, plimsoll.Secret{
			Path: f.path, Rule: r.ID, Severity: r.Severity, Line: x.line, Excerpt: f.engine.excerptOf(x.rule, x.literal),
		})
	}
	if f.readErr != nil {
		// The text of the reader's error may contain anything.
		return out, plimsoll.Fail(plimsoll.FailureSecrets, plimsoll.Errorf(plimsoll.Internal, "secrets: the file could not be read to its end"))
	}
	return out, f.err
}

// matchLines matches the rules for lines, if the file has a name for which there are some.
func (f *File) matchLines() {
	if len(f.lineRules) == 0 || f.binary || f.readErr != nil {
		return
	}
	if f.view.Size() > maxLineFile {
		f.failOversized(fmt.Sprintf("only the first %d bytes of a file that is read line by line were searched", maxLineFile))
	}
	var at int64
	text, err := f.view.Slice(0, maxLineFile)
	f.keepReadError(err)
	for line := range bytes.Lines(text) {
		if len(line) > maxLine {
			f.failOversized(fmt.Sprintf("a line of more than %d bytes was not searched", maxLine))
		} else {
			f.matchLine(line, at)
		}
		at += int64(len(line))
	}
}

func (f *File) matchLine(line []byte, at int64) {
	for _, n := range f.lineRules {
		r := &f.engine.rules[n]
		for _, m := range r.linesRE.FindAllSubmatchIndex(line, MaxPerFile) {
			if from, to, ok := firstGroup(m); ok && r.acceptsSecret(line[from:to]) {
				f.addFinding(finding{rule: n, literal: -1, from: at + int64(from), to: at + int64(to)})
			}
		}
	}
}

// dropWeaker sorts the findings and removes those that overlap a better one: a generic finding loses against a specific
// one, otherwise the later rule loses.
func (f *File) dropWeaker() {
	slices.SortFunc(f.found, func(a, b finding) int { return cmp.Or(cmp.Compare(a.from, b.from), a.rule-b.rule) })
	weaker := func(a, b finding) bool {
		x, y := f.engine.rules[a.rule].generic, f.engine.rules[b.rule].generic
		return x && !y || x == y && a.rule > b.rule
	}
	kept := f.found[:0:0]
	for i, x := range f.found {
		lost := false
		for j, y := range f.found {
			if i != j && x.from < y.to && y.from < x.to && weaker(x, y) {
				lost = true
				break
			}
		}
		if !lost {
			kept = append(kept, x)
		}
	}
	f.found = kept
}

// addLineNumbers sets the lines of the sorted findings.
func (f *File) addLineNumbers() {
	if f.binary {
		return
	}
	line, at := 1, int64(0)
	for i := range f.found {
		for at < f.found[i].from {
			chunk, err := f.view.Slice(at, int(min(lineStep, f.found[i].from-at)))
			if err != nil || len(chunk) == 0 {
				f.keepReadError(err)
				return
			}
			line += bytes.Count(chunk, []byte("\n"))
			at += int64(len(chunk))
		}
		f.found[i].line = line
	}
}

// AppendBounded appends the findings of a file to those of its layer, up to MaxPerLayer.
func AppendBounded(layer, file []plimsoll.Secret) ([]plimsoll.Secret, error) {
	room := max(0, MaxPerLayer-len(layer))
	if len(file) <= room {
		return append(layer, file...), nil
	}
	return append(layer, file[:room]...), plimsoll.Fail(plimsoll.FailureOversized, errManyFindings)
}

var errManyFindings = errors.New("secrets: more findings in one layer than the limit")
