package intake

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"plimsoll"
)

// RegistryWriter stores registries.
type RegistryWriter interface {
	RegistryStore
	AddRegistry(ctx context.Context, r *plimsoll.Registry) error
	SealRegistry(ctx context.Context, id int64, sealed []byte) error
	RemoveRegistry(ctx context.Context, projectID string, id int64) error
}

// Registries adds and removes registries.
type Registries struct {
	Store     RegistryWriter
	Connector *Connector
}

var registryName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$`)

// Add checks a registry, asks it for its token service, signs in, and stores it.
// The credentials are only ever sent to the registry and to the token service that it names now.
func (s *Registries) Add(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	reg := spec.Registry
	if err := normaliseRegistry(&reg, spec.Secret); err != nil {
		return plimsoll.Registry{}, err
	}
	if err := s.probe(ctx, &reg, spec.Secret); err != nil {
		return plimsoll.Registry{}, err
	}
	if err := s.Store.AddRegistry(ctx, &reg); err != nil {
		return plimsoll.Registry{}, err
	}
	if spec.Secret != "" {
		sealed := s.Connector.Sealer.Seal([]byte(spec.Secret), reg.SealedFor())
		if err := s.Store.SealRegistry(ctx, reg.ID, sealed); err != nil {
			return plimsoll.Registry{}, err
		}
	}
	return reg, nil
}

// Remove deletes a registry with its images.
func (s *Registries) Remove(ctx context.Context, projectID string, id int64) error {
	return s.Store.RemoveRegistry(ctx, projectID, id)
}

// probe signs in to a registry, and adds its token service to reg.AuthHosts.
func (s *Registries) probe(ctx context.Context, reg *plimsoll.Registry, secret string) error {
	anonymous, err := s.Connector.newSource(*reg, plimsoll.Credential{})
	if err != nil {
		return err
	}
	host, err := anonymous.Ping(ctx)
	if host != "" && !slices.Contains(reg.AuthHosts, host) {
		reg.AuthHosts = append(reg.AuthHosts, host)
	}
	if err == nil && secret == "" {
		return nil
	}
	credential := plimsoll.Credential{Username: reg.Username, Secret: secret}
	if secret == "" && plimsoll.FailureOf(err) != plimsoll.FailureAuth {
		return err
	}
	source, err := s.Connector.newSource(*reg, credential)
	if err != nil {
		return err
	}
	_, err = source.Ping(ctx)
	return err
}

// normaliseRegistry checks what was given of a new registry and fills in defaults.
func normaliseRegistry(reg *plimsoll.Registry, secret string) error {
	if !registryName.MatchString(reg.Name) {
		return plimsoll.Errorf(plimsoll.Invalid, "registry name %.80q is not letters, digits, '.', '_' or '-' (at most 128)", reg.Name)
	}
	if !strings.Contains(reg.URL, "://") {
		reg.URL = "https://" + reg.URL
	}
	address, err := plimsoll.ParseRegistryURL(reg.URL)
	if err != nil {
		return err
	}
	reg.URL = address.String()
	if reg.Kind == "" {
		reg.Kind = plimsoll.RegistryOther
	}
	if !slices.Contains(plimsoll.RegistryKinds(), reg.Kind) {
		return plimsoll.Errorf(plimsoll.Invalid, "registry type %.80q is not one of %v", reg.Kind, plimsoll.RegistryKinds())
	}
	if reg.EnterpriseProject == "" {
		reg.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	}
	if secret != "" && reg.Username == "" {
		return plimsoll.Errorf(plimsoll.Invalid, "a registry secret needs a user name").WithHint("add --username")
	}
	for _, r := range reg.Repositories {
		if !plimsoll.ValidRepository(r) {
			return plimsoll.Errorf(plimsoll.Invalid, "repository %.200q is not a valid name (OCI distribution specification)", r)
		}
	}
	return nil
}
