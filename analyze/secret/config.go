package secret

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plimsoll"
)

// maxConfigText bounds one text of a config, in bytes. Configs themselves are bounded; this prevents that one text takes
// most of the time.
const maxConfigText = 1 << 20

// Config searches an image config: variables, build steps with their arguments, commands and labels. The path of a
// finding is plimsoll.ConfigScheme with "env/NAME", "history/N" (counted from 0), "label/NAME", "cmd" or "entrypoint";
// the line is 0. The error describes what was not searched.
func (e *Engine) Config(c plimsoll.ImageConfig) ([]plimsoll.Secret, error) {
	s := configScan{engine: e}
	for _, entry := range c.Env {
		name, _, _ := strings.Cut(entry, "=")
		s.scanText("env/"+cleanName(name), entry)
	}
	for i, h := range c.History {
		s.scanText(fmt.Sprintf("history/%d", i), buildStep(h.CreatedBy))
		s.scanText(fmt.Sprintf("history/%d", i), h.Comment)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Labels)) {
		s.scanText("label/"+cleanName(name), name+"="+c.Labels[name])
	}
	s.scanText("entrypoint", strings.Join(c.Entrypoint, " "))
	s.scanText("cmd", strings.Join(c.Cmd, " "))
	return s.found, s.err
}

type configScan struct {
	engine *Engine
	found  []plimsoll.Secret
	err    error
}

func (s *configScan) scanText(place, text string) {
	if len(text) > maxConfigText {
		s.keepError(plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge, "secrets: a text of %d bytes in the image config was not searched", len(text))))
		return
	}
	b := []byte(text)
	f := s.engine.OpenBytes(plimsoll.ConfigScheme+place, b)
	s.engine.searchText(b, f.Hit)
	found, err := f.Close()
	s.keepError(err)
	for i := range found {
		found[i].Line = 0
	}
	found = slices.DeleteFunc(found, func(x plimsoll.Secret) bool { return slices.Contains(s.found, x) })
	s.found, err = AppendBounded(s.found, slices.Compact(found))
	s.keepError(err)
}

func (s *configScan) keepError(err error) {
	if s.err == nil {
		s.err = err
	}
}

// buildStep puts each argument of a build step on its own line. BuildKit and the older builder write them as "RUN |2 A=1
// B=2 /bin/sh -c …" or "|2 A=1 B=2 /bin/sh -c …".
func buildStep(line string) string {
	start, rest, found := strings.Cut(line, "|")
	if !found || strings.TrimSpace(strings.TrimPrefix(start, "RUN")) != "" {
		return line
	}
	args, command, _ := strings.Cut(rest, " /bin/sh -c ")
	return strings.ReplaceAll(args, " ", "\n") + "\n" + command
}

// cleanName makes a name from a config safe to use in a path.
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || r == 0xfffd || r == '/' {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	return name[:min(len(name), 128)]
}
