package hss

import (
	"slices"
	"testing"

	"plimsoll"
	"plimsoll/api/hss/contracttest"
)

func TestStatusesAreOneToOne(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range plimsoll.ScanStates() {
		word := statusOf(s)
		if got := statesOf(word); len(got) != 1 || got[0] != s {
			t.Errorf("%s is written %s and read as %v", s, word, got)
		}
		seen[word] = true
	}
	if len(seen) != 7 || statesOf("") != nil || statesOf("waiting") != nil {
		t.Errorf("statuses %v", seen)
	}
}

func TestUrgenciesAreOneToOne(t *testing.T) {
	for _, u := range []plimsoll.Urgency{plimsoll.UrgencyNow, plimsoll.UrgencySoon, plimsoll.UrgencyLater} {
		if word := repairs[u]; word == "" || urgencyOf(word) != u {
			t.Errorf("%s is written %q and read as %q", u, word, urgencyOf(word))
		}
	}
	if urgencyOf("") != "" || len(repairs) != 3 {
		t.Errorf("urgencies %v", repairs)
	}
}

func TestFailureWords(t *testing.T) {
	contract := contracttest.Read(t, contractCopy)
	words := contract.Components.Schemas["PrivateImageRepositoryInfo"].Properties["scan_failed_desc"].Enum
	for _, c := range []plimsoll.FailureCode{
		plimsoll.FailureUnknown, plimsoll.FailureAuth, plimsoll.FailureDownload, plimsoll.FailureNotFound, plimsoll.FailureOversized,
		plimsoll.FailureLayers, plimsoll.FailureSchema1, plimsoll.FailureLayer, plimsoll.FailurePackages, plimsoll.FailureMalware, plimsoll.FailureEngine,
		plimsoll.FailureSecrets, plimsoll.FailureSettings, plimsoll.FailureMatch, plimsoll.FailureTimeout, plimsoll.FailureDatabase,
		plimsoll.FailureInterrupted, "a code of tomorrow",
	} {
		if !slices.Contains(words, any(failureOf(c))) {
			t.Errorf("%s is written %q, which the contract does not have", c, failureOf(c))
		}
	}
}

func TestProfileOfTheVendor(t *testing.T) {
	for path, out := range map[string]bool{
		"app/.env": false, "etc/debian.cnf": false, "usr/local/app/.env": true, "srv/node_modules/a/test/key.pem": true, "srv/node_modules/a/README.md": true,
		"srv/node_modules/a/index.js": false, "srv/picture.PNG": true, "var/libexec/a": false, plimsoll.ConfigScheme + "env/usr": false,
	} {
		if got := SecretProfile().Excludes(plimsoll.Secret{Path: path, Size: 10, Owned: plimsoll.OwnedByPackage}); got != out {
			t.Errorf("%s: left out: %v", path, got)
		}
	}
	if !SecretProfile().Excludes(plimsoll.Secret{Path: "srv/dump.sql", Size: 30 << 20}) {
		t.Error("a file of 30 MiB is not left out")
	}
}
