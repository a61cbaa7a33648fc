package intake_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/intake"
)

func TestRegistryIsListedByNameWhereTheCatalogIsRefused(t *testing.T) {
	h := newHub(t)
	h.push(t, "team/web:1", linuxImage(t, 1))
	s := newSite(t, h)
	h.setRefuse(func(r *http.Request) int {
		if r.URL.Path == "/v2/_catalog" {
			return http.StatusUnauthorized
		}
		return 0
	})
	err := s.sync(t.Context())
	if plimsoll.ErrorHint(err) == "" {
		t.Errorf("a refused catalog comes with a hint: %v", err)
	}
	named, err := (&intake.Registries{Store: s.store, Connector: s.syncer.Connector}).Add(t.Context(), plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "named", URL: h.URL, Repositories: []string{"team/web"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s.reg = named
	if err := s.sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"team/web:1 none "}, s.images(t)); d != "" {
		t.Error(d)
	}
}

func TestSecretIsSealedAndBoundToItsHost(t *testing.T) {
	h := newHub(t)
	s := newSite(t, h)
	registries := &intake.Registries{Store: s.store, Connector: s.syncer.Connector}
	reg, err := registries.Add(t.Context(), plimsoll.RegistrySpec{Secret: "hunter2-and-more", Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "closed", URL: h.URL, Username: "ci",
	}})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.store.Registry(t.Context(), "p", reg.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(stored.SealedSecret) == 0 || strings.Contains(string(stored.SealedSecret), "hunter2") {
		t.Fatal("the secret is missing or readable")
	}
	if _, err := s.store.DB().Writer.ExecContext(t.Context(), "UPDATE registry SET url = 'http://elsewhere.example.org' WHERE id = ?", reg.ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.syncer.Connector.Source(t.Context(), "p", reg.ID); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret opened for another host: %v", err)
	}
}

func TestAddRefusesWhatIsNoRegistry(t *testing.T) {
	h := newHub(t)
	s := newSite(t, h)
	registries := &intake.Registries{Store: s.store, Connector: s.syncer.Connector}
	for name, spec := range map[string]plimsoll.RegistrySpec{
		"path in the address": {Registry: plimsoll.Registry{Name: "a", URL: h.URL + "/v2/"}},
		"user in the address": {Registry: plimsoll.Registry{Name: "a", URL: "http://u:p@127.0.0.1"}},
		"name":                {Registry: plimsoll.Registry{Name: "a b", URL: h.URL}},
		"type":                {Registry: plimsoll.Registry{Name: "a", URL: h.URL, Kind: "ftp"}},
		"secret without user": {Secret: "x", Registry: plimsoll.Registry{Name: "a", URL: h.URL}},
		"repository":          {Registry: plimsoll.Registry{Name: "a", URL: h.URL, Repositories: []string{"../etc"}}},
	} {
		spec.ProjectID = "p"
		if _, err := registries.Add(t.Context(), spec); plimsoll.ErrorCode(err) != plimsoll.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	spec := plimsoll.RegistrySpec{Registry: plimsoll.Registry{Tenant: plimsoll.Tenant{ProjectID: "p"}, Name: "hub", URL: h.URL}}
	if _, err := registries.Add(t.Context(), spec); plimsoll.ErrorCode(err) != plimsoll.Conflict {
		t.Errorf("a name that is taken: %v", err)
	}
}

// oneRegistry is a store of one registry.
type oneRegistry struct{ only plimsoll.Registry }

func (s oneRegistry) Registry(context.Context, string, int64) (plimsoll.Registry, error) {
	return s.only, nil
}

func TestEveryKindOfRegistryHasASource(t *testing.T) {
	for _, kind := range append(plimsoll.RegistryKinds(), "ftp") {
		c := &intake.Connector{Store: oneRegistry{plimsoll.Registry{ID: 1, URL: "https://registry.test", Kind: kind}},
			Transport: http.DefaultTransport, Budget: plimsoll.DefaultBudget()}
		source, _, err := c.Source(t.Context(), "p", 1)
		if (source == nil) != (kind == "ftp") || (err == nil) != (source != nil) {
			t.Errorf("%s: %v, %v", kind, source, err)
		}
	}
}
