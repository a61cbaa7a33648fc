package layers

import (
	"strings"
	"unicode"
)

// WithoutValues takes the values out of a build step that sets variables: ENV and ARG
// as the classic builder ("/bin/sh -c #(nop)  ENV A=b") and BuildKit ("ENV A=b") write
// them, and build arguments before a command ("RUN |1 A=b /bin/sh -c …"). A value may
// contain spaces, so only the first name is kept.
func WithoutValues(step string) string {
	const nop, shell = "/bin/sh -c #(nop)", " /bin/sh -c "
	bare := strings.TrimSpace(strings.TrimPrefix(step, nop))
	if word, rest, ok := strings.Cut(bare, " "); ok && (word == "ENV" || word == "ARG") {
		name, _, _ := strings.Cut(strings.TrimSpace(rest), "=")
		if space := strings.IndexFunc(name, unicode.IsSpace); space >= 0 {
			name = name[:space]
		}
		return word + " " + name
	}
	run := strings.TrimPrefix(bare, "RUN ")
	if !strings.HasPrefix(run, "|") {
		return step
	}
	kept := strings.TrimSuffix(bare, run)
	count, rest, _ := strings.Cut(run, " ")
	if _, command, ok := strings.Cut(rest, shell); ok {
		return kept + count + " …" + shell + command
	}
	return kept + count + " …"
}
