package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"plimsoll/app/terminal"
)

// printJSON writes v indented and ends with a newline. What could drive a terminal stays
// readable for programs, as an escape.
func (a *application) printJSON(v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.out.Write(terminal.EscapeJSON(buf.Bytes()))
	return err
}

// nonNil returns a list that JSON shows as [] where there is nothing.
func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// note confirms on standard error what was done, so that standard output holds answers only.
func (a *application) note(format string, args ...any) {
	fmt.Fprintln(a.errs, terminal.Printable(fmt.Sprintf(format, args...)))
}

// newTable starts a table in the style of all commands.
func (a *application) newTable(headings ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(a.out)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatUpper
	t.AppendHeader(headings)
	return t
}

// addRow appends cells whose strings are made printable.
func addRow(t table.Writer, cells ...any) {
	for i, c := range cells {
		if s, ok := c.(string); ok {
			cells[i] = terminal.Printable(s)
		}
	}
	t.AppendRow(cells)
}

// painted is text with our escape codes in it; addRow prints it as it is.
type painted string

// colour paints s, unless colours are unwelcome (https://no-color.org).
func (a *application) colour(s string, c text.Color) painted {
	if no, _ := a.env("NO_COLOR"); no != "" || !isTerminal(a.out) {
		return painted(s)
	}
	return painted(c.Sprint(s))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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

// toStrings converts words of a type to strings.
func toStrings[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}

// progress shows how far long work has come: one line that changes on a terminal,
// a plain line for each stage elsewhere.
type progress struct {
	w    io.Writer
	live bool
	last string
}

func (a *application) newProgress() *progress {
	return &progress{w: a.errs, live: isTerminal(a.errs)}
}

// stage shows what is being done. Off a terminal only a new stage is printed, not each step of it.
func (p *progress) stage(name, detail string) {
	line := terminal.Printable(strings.TrimSpace(name + " " + detail))
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
