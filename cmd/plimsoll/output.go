package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printable replaces control characters and direction marks, so that a name from a
// registry cannot drive the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if hostile(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}

// hostile characters move the cursor, change the writing direction or do not show.
func hostile(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// printJSON writes v indented and ends with a newline. What could drive a terminal stays
// readable for programs, as an escape.
func (a *app) printJSON(v any) error {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := a.out.Write(escapeJSON(buf.Bytes()))
	return err
}

// escapeJSON turns the characters that printable drops, and that encoding/json leaves as
// they are, into \u escapes. Outside of strings JSON has none of them but line breaks.
func escapeJSON(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+len(raw)/16)
	for len(raw) > 0 {
		plain := bytes.IndexFunc(raw, func(r rune) bool { return r != '\n' && hostile(r) })
		if plain < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:plain]...)
		r, size := utf8.DecodeRune(raw[plain:])
		if raw = raw[plain+size:]; r > 0xffff {
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		} else {
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// list is a list that JSON shows as [] where there is nothing.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

// note confirms on standard error what was done, so that standard output holds answers only.
func (a *app) note(format string, args ...any) {
	fmt.Fprintln(a.errs, printable(fmt.Sprintf(format, args...)))
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

// texts turns the words of a kind into plain strings.
func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
