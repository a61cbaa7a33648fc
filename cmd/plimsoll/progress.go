package main

import (
	"fmt"
	"io"
	"strings"
)

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
