package manifest

import (
	"slices"
	"strings"
	"unicode"

	"plimsoll"
)

// Redactor masks the secrets in a config that rules find. It does not change its argument. nil masks nothing.
type Redactor func(plimsoll.ImageConfig) plimsoll.ImageConfig

// Masked returns a config that may be shown: the secrets that rules find are masked.
func (r Redactor) Masked(c plimsoll.ImageConfig) plimsoll.ImageConfig {
	if r == nil {
		return c
	}
	return r(c)
}

// Storable returns a config that may be stored: masked, and without any value of an environment variable or a build
// argument, because a value may be a secret that no rule finds.
func (r Redactor) Storable(c plimsoll.ImageConfig) plimsoll.ImageConfig {
	c = r.Masked(c)
	names := make([]string, len(c.Env))
	for i, variable := range c.Env {
		names[i], _, _ = strings.Cut(variable, "=")
	}
	history := slices.Clone(c.History)
	for i := range history {
		history[i].CreatedBy = stepWithoutValues(history[i].CreatedBy)
	}
	c.Env, c.History = names, history
	return c
}

// StorableLayers returns layers whose build steps have no values of variables, as those of a stored config.
func StorableLayers(layers []plimsoll.Layer) []plimsoll.Layer {
	layers = slices.Clone(layers)
	for i := range layers {
		layers[i].CreatedBy = stepWithoutValues(layers[i].CreatedBy)
	}
	return layers
}

// stepWithoutValues takes the values out of a build step that sets variables: ENV and ARG
// as the classic builder ("/bin/sh -c #(nop)  ENV A=b") and BuildKit ("ENV A=b") write
// them, and build arguments before a command ("RUN |1 A=b /bin/sh -c …"). A value may
// contain spaces, so only the first name is kept.
func stepWithoutValues(step string) string {
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
