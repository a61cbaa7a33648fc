package secret

import (
	"bytes"
	"strings"

	"plimsoll"
)

const mask = stars

// Redact masks the secrets that Config finds, so that the rest of a config can be stored and shown. A text that cannot be
// searched completely is masked as a whole.
func (e *Engine) Redact(c plimsoll.ImageConfig) plimsoll.ImageConfig {
	c.Env = e.maskAll("env/", c.Env)
	for i, entry := range c.Env {
		if name, value, _ := strings.Cut(entry, "="); strings.Contains(value, mask) {
			c.Env[i] = name + "=" + mask
		}
	}
	history := make([]plimsoll.HistoryLine, len(c.History))
	for i, h := range c.History {
		h.CreatedBy, h.Comment = e.maskStep(h.CreatedBy), e.maskText("history/", h.Comment)
		history[i] = h
	}
	labels := make(map[string]string, len(c.Labels))
	for name, value := range c.Labels {
		_, labels[name], _ = strings.Cut(e.maskText("label/", cleanName(name)+"="+value), "=")
	}
	c.History, c.Labels = history, labels
	c.Entrypoint, c.Cmd = e.maskCommand("entrypoint", c.Entrypoint), e.maskCommand("cmd", c.Cmd)
	return c
}

func (e *Engine) maskAll(place string, texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = e.maskText(place, text)
	}
	return out
}

// maskStep masks a build step. It masks all build arguments if a secret is only found with each argument on its own line.
func (e *Engine) maskStep(line string) string {
	out := e.maskText("history/", line)
	if args := buildStep(out); args != out && e.maskText("history/", args) != args {
		start, _, _ := strings.Cut(out, "|")
		return start + "| " + mask
	}
	return out
}

// maskCommand masks words. If only all words together are a secret, it masks all but the first.
func (e *Engine) maskCommand(place string, words []string) []string {
	out := e.maskAll(place, words)
	if whole := strings.Join(out, " "); len(out) > 1 && e.maskText(place, whole) != whole {
		for i := range out[1:] {
			out[i+1] = mask
		}
	}
	return out
}

// maskText masks findings up to the end of their last word. A finding of several lines is masked up to the end of the
// text.
func (e *Engine) maskText(place, text string) string {
	if len(text) > maxConfigText {
		return mask
	}
	b := []byte(text)
	f := e.OpenBytes(plimsoll.ConfigScheme+place, b)
	e.searchText(b, f.Hit)
	f.matchLines()
	if f.err != nil || f.readErr != nil {
		return mask
	}
	hide := make([]bool, len(b))
	for _, x := range f.found {
		from, to := int(x.from), int(min(x.to, int64(len(b))))
		if bytes.ContainsAny(b[from:to], "\n") || bytes.Contains(b[from:], []byte("PRIVATE KEY")) {
			to = len(b)
		}
		for to < len(b) && !bytes.ContainsRune([]byte(" \t\r\n\"'"), rune(b[to])) {
			to++
		}
		for i := from; i < to; i++ {
			hide[i] = true
		}
	}
	var out strings.Builder
	for i := range b {
		switch {
		case !hide[i]:
			out.WriteByte(b[i])
		case i == 0 || !hide[i-1]:
			out.WriteString(mask)
		}
	}
	return out.String()
}
