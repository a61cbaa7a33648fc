package plimsoll_test

import (
	"testing"
	"time"

	"plimsoll"
)

// TestDeciding lists decisions from the strongest to the weakest; each goes before those after it, in whatever order they come.
func TestDeciding(t *testing.T) {
	digest := plimsoll.DigestOf([]byte("a"))
	at := func(s plimsoll.DecisionScope, document string, hour int) *plimsoll.Decision {
		return &plimsoll.Decision{Scope: s, Document: document, CreatedAt: time.Unix(int64(hour)*3600, 0)}
	}
	list := []*plimsoll.Decision{
		at(plimsoll.DecisionScope{Digest: digest, Package: "p"}, "", 1),
		at(plimsoll.DecisionScope{Repository: "r", Tag: "t"}, "", 2),
		at(plimsoll.DecisionScope{Digest: digest}, "", 1),
		at(plimsoll.DecisionScope{Repository: "r", Package: "p"}, "", 9),
		at(plimsoll.DecisionScope{Repository: "r"}, "", 9),
		at(plimsoll.DecisionScope{RegistryID: 1}, "", 9),
		at(plimsoll.DecisionScope{Package: "p"}, "", 9),
		at(plimsoll.DecisionScope{}, "", 9),
		at(plimsoll.DecisionScope{}, "", 8),
		at(plimsoll.DecisionScope{Digest: digest, Package: "p"}, "urn:x", 9),
		at(plimsoll.DecisionScope{}, "urn:x", 9),
	}
	place := plimsoll.FindingPlace{RegistryID: 1, Repository: "r", Tag: "t", Digests: []plimsoll.Digest{digest}, Package: plimsoll.Package{Name: "p"}}
	for i := range list {
		for k := i; k < len(list); k++ {
			for _, two := range [][]*plimsoll.Decision{{list[i], list[k]}, {list[k], list[i]}} {
				if got := plimsoll.Deciding(two, place); got != list[i] {
					t.Errorf("of %+v and %+v the second holds", list[i], list[k])
				}
			}
		}
	}
	for _, other := range []plimsoll.DecisionScope{{RegistryID: 2}, {Repository: "s"}, {Repository: "r", Tag: "u"}, {Digest: plimsoll.DigestOf(nil)}, {Package: "q"}, {Packages: plimsoll.SetOS}} {
		if got := plimsoll.Deciding([]*plimsoll.Decision{{Scope: other}}, place); got != nil {
			t.Errorf("%+v holds elsewhere", other)
		}
	}
	if got := plimsoll.Deciding([]*plimsoll.Decision{{Tenant: plimsoll.Tenant{EnterpriseProject: "e1"}}}, place); got != nil {
		t.Error("a decision of another enterprise project holds")
	}
}

func TestDecisionActive(t *testing.T) {
	now := time.Unix(1000, 0)
	for _, test := range []struct {
		d    plimsoll.Decision
		want bool
	}{
		{plimsoll.Decision{}, true},
		{plimsoll.Decision{ExpiresAt: now.Add(1)}, true},
		{plimsoll.Decision{ExpiresAt: now}, false},
		{plimsoll.Decision{EndedAt: now}, false},
	} {
		if got := test.d.Active(now); got != test.want {
			t.Errorf("%+v is active: %v", test.d, got)
		}
	}
}
