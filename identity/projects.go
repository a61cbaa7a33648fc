package identity

import (
	"context"
	"regexp"

	"plimsoll"
)

// AddProject makes a project in a domain, given by id or name. Conflict if the name is taken.
func (s *Service) AddProject(ctx context.Context, domain, name string) (plimsoll.Project, error) {
	if err := checkName(name); err != nil {
		return plimsoll.Project{}, err
	}
	d, err := s.store.Domain(ctx, domain)
	if err != nil {
		return plimsoll.Project{}, err
	}
	p := plimsoll.Project{ID: newID(), Name: name, DomainID: d.ID, CreatedAt: s.storedNow()}
	if err := s.store.AddProject(ctx, p); err != nil {
		return plimsoll.Project{}, err
	}
	return p, nil
}

// Projects lists the projects of a domain, given by id or name.
func (s *Service) Projects(ctx context.Context, domain string) ([]plimsoll.Project, error) {
	d, err := s.store.Domain(ctx, domain)
	if err != nil {
		return nil, err
	}
	return s.store.Projects(ctx, d.ID)
}

// enterpriseProjectID matches numbers and UUIDs.
var enterpriseProjectID = regexp.MustCompile(`^[0-9a-z-]{1,64}$`)

// AddEnterpriseProject makes an enterprise project in a domain, given by id or name. An empty id
// is replaced by a random one. Conflict if the id is taken.
func (s *Service) AddEnterpriseProject(ctx context.Context, domain, id, name string) (plimsoll.EnterpriseProject, error) {
	if id == "" {
		id = newID()
	}
	if !enterpriseProjectID.MatchString(id) {
		return plimsoll.EnterpriseProject{}, plimsoll.Errorf(plimsoll.Invalid, "an enterprise project id has 1 to 64 of a-z, 0-9 and -")
	}
	if err := checkName(name); err != nil {
		return plimsoll.EnterpriseProject{}, err
	}
	d, err := s.store.Domain(ctx, domain)
	if err != nil {
		return plimsoll.EnterpriseProject{}, err
	}
	ep := plimsoll.EnterpriseProject{ID: id, Name: name, DomainID: d.ID, CreatedAt: s.storedNow()}
	if err := s.store.AddEnterpriseProject(ctx, ep); err != nil {
		return plimsoll.EnterpriseProject{}, err
	}
	return ep, nil
}

// EnterpriseProjects lists the enterprise projects of a domain, given by id or name.
func (s *Service) EnterpriseProjects(ctx context.Context, domain string) ([]plimsoll.EnterpriseProject, error) {
	d, err := s.store.Domain(ctx, domain)
	if err != nil {
		return nil, err
	}
	return s.store.EnterpriseProjects(ctx, d.ID)
}
