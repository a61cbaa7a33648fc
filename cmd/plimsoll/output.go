package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printable drops control characters and direction marks, so that a name from a
// registry cannot drive the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// printJSON writes v indented and ends with a newline.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table starts a table in the house style.
func (a *app) table(headings ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.out)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatUpper
	t.AppendHeader(headings)
	return t
}

// row appends cells whose strings are made printable.
func row(t table.Writer, cells ...any) {
	for i, c := range cells {
		if s, ok := c.(string); ok {
			cells[i] = printable(s)
		}
	}
	t.AppendRow(cells)
}

// painted is text with escape codes of ours in it; row prints it as it is.
type painted string

// colour paints s unless colours are unwelcome (https://no-color.org).
func (a *app) colour(s string, c text.Color) painted {
	if no, _ := a.env("NO_COLOR"); no != "" || !terminal(a.out) {
		return painted(s)
	}
	return painted(c.Sprint(s))
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// count is a number, or a dash where nothing was judged.
func count(n *int) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

func bytesText(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, suffix := float64(n), "kMGTPE"
	i := -1
	for value >= unit && i < len(suffix)-1 {
		value /= unit
		i++
	}
	return fmt.Sprintf("%.1f %cB", value, suffix[i])
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// progress shows how far long work has come: one line that changes on a terminal,
// a plain line for each stage elsewhere.
type progress struct {
	w    io.Writer
	live bool
	last string
}

func (a *app) progress() *progress {
	return &progress{w: a.errs, live: terminal(a.errs)}
}

// stage says what is being done. Off a terminal only a new stage is printed, not each step of it.
func (p *progress) stage(name, detail string) {
	line := printable(strings.TrimSpace(name + " " + detail))
	if p.live {
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.last = line
		return
	}
	if name != p.last {
		p.last = name
		fmt.Fprintln(p.w, line)
	}
}

// done ends the changing line.
func (p *progress) done() {
	if p.live && p.last != "" {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.last = ""
}
