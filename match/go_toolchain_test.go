package match

import "testing"

func TestGoToolchainVersion(t *testing.T) {
	for version, want := range map[string]string{
		"1.22.4": "1.22.4", "go1.22.4": "1.22.4", "1.22.3-1": "1.22.3", "1.26.6-X:boringcrypto": "1.26.6",
		"1.25.1 X:nocoverageredesign": "1.25.1", "1.21rc2": "1.21.0-rc.2", "1.21beta1": "1.21.0-beta.1",
		"1.21.0-rc.2": "1.21.0-rc.2", "1.21rc2-X:arenas": "1.21.0-rc.2", "unknown": "unknown",
	} {
		if got := goToolchainVersion(version); got != want {
			t.Errorf("%q is %q, want %q", version, got, want)
		}
	}
}
