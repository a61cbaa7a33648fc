package layers

import (
	"strings"
	"testing"
)

func FuzzWithoutValues(f *testing.F) {
	for _, step := range []string{
		"/bin/sh -c #(nop)  ENV TOKEN=hunter2", "ENV A=b C=d", "ARG P", "RUN |1 A=b /bin/sh -c make", "|1", "ENV ", "COPY . /", "ENV A\t=b ;C=d",
	} {
		f.Add(step)
	}
	f.Fuzz(func(t *testing.T, step string) {
		once := WithoutValues(step)
		if twice := WithoutValues(once); twice != once {
			t.Errorf("%q became %q and then %q", step, once, twice)
		}
		const value = "a value that nobody would write"
		for _, before := range []string{"ENV ", "ARG ", "/bin/sh -c #(nop) ENV ", "RUN |1 "} {
			name := strings.ReplaceAll(step, " /bin/sh -c ", "")
			if kept := WithoutValues(before + name + "=" + value); strings.Contains(kept, value) {
				t.Errorf("%q keeps the value", kept)
			}
		}
	})
}
