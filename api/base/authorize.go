package base

import (
	"context"

	"plimsoll"
)

// AllEnterpriseProjects names, in a query, every enterprise project that the caller may see.
const AllEnterpriseProjects = "all_granted_eps"

// EnterpriseProjectNamer is an input that names an enterprise project, or AllEnterpriseProjects.
type EnterpriseProjectNamer interface {
	EnterpriseProjectID() string
}

// Scope is what a request is about and where the caller has the role of the operation.
type Scope struct {
	ProjectID          string
	EnterpriseProjects []string // nil = every one of the project
}

type scopeKey struct{}

// ScopeOf returns the scope of a request that passed the role check.
func ScopeOf(ctx context.Context) Scope {
	s, _ := ctx.Value(scopeKey{}).(Scope)
	return s
}

// Tenant returns the one tenant that a change is for; an empty enterprise project is the whole project. Invalid
// if the caller may change several enterprise projects and named none.
func (s Scope) Tenant() (plimsoll.Tenant, error) {
	switch {
	case s.EnterpriseProjects == nil:
		return plimsoll.Tenant{ProjectID: s.ProjectID}, nil
	case len(s.EnterpriseProjects) > 1:
		return plimsoll.Tenant{}, plimsoll.Errorf(plimsoll.Invalid, "name one enterprise project: the role %s is not for the whole project", plimsoll.RoleEditor)
	default:
		return plimsoll.Tenant{ProjectID: s.ProjectID, EnterpriseProject: s.EnterpriseProjects[0]}, nil
	}
}

// roleCheck is the check of one operation: it takes the decoded input and puts the scope into the context.
type roleCheck func(ctx context.Context, in any) (context.Context, error)

// roleCheckFor is the one place where roles are checked, as far as the role depends on no stored object.
func (s *Server) roleCheckFor(access Access) roleCheck {
	rule := accessRules[access]
	return func(ctx context.Context, in any) (context.Context, error) {
		if rule.role == "" {
			return ctx, nil
		}
		p := Caller(ctx)
		if p.Project.ID == "" {
			return nil, errNoProject()
		}
		scope := Scope{ProjectID: p.Project.ID}
		var err error
		switch {
		case access == Operator:
			err = CheckOperator(p, s.cfg.OperatorDomain)
		case rule.wholeProject:
			err = checkWholeProject(p, rule.role)
		default:
			id := AllEnterpriseProjects
			if named, ok := in.(EnterpriseProjectNamer); ok {
				id = named.EnterpriseProjectID()
			}
			scope.EnterpriseProjects, err = EnterpriseProjects(p, rule.role, id)
		}
		return context.WithValue(ctx, scopeKey{}, scope), err
	}
}

func errNoProject() error {
	return plimsoll.Errorf(plimsoll.Invalid, "the request is for no project").
		WithHint("use a token with a project in its scope, or name a project with the query parameter project")
}

// EnterpriseProjects returns the enterprise projects that an id means and in which a caller has at least the role;
// nil is every one of the project. An empty id is the default enterprise project. Forbidden if there is none.
func EnterpriseProjects(p plimsoll.Principal, role plimsoll.Role, id string) ([]string, error) {
	if id == "" {
		id = plimsoll.DefaultEnterpriseProject
	}
	if id != AllEnterpriseProjects {
		if !p.Role(id).Includes(role) {
			return nil, plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in the enterprise project", role)
		}
		return []string{id}, nil
	}
	ids, all := p.EnterpriseProjects(role)
	if all {
		return nil, nil
	}
	if len(ids) == 0 {
		return nil, plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in an enterprise project", role)
	}
	return ids, nil
}

// checkWholeProject refuses callers that have the role in some enterprise projects only.
func checkWholeProject(p plimsoll.Principal, role plimsoll.Role) error {
	if _, all := p.EnterpriseProjects(role); !all {
		return plimsoll.Errorf(plimsoll.Forbidden, "this needs the role %s in the whole project", role)
	}
	return nil
}

// CheckOperator refuses everybody but administrators who may change what every tenant shares: those of the
// domain, or of any if it is empty.
func CheckOperator(p plimsoll.Principal, domain string) error {
	if err := checkWholeProject(p, plimsoll.RoleAdmin); err != nil {
		return err
	}
	if domain != "" && p.Domain.ID != domain {
		return plimsoll.Errorf(plimsoll.Forbidden, "this is for the administrators of the deployment")
	}
	return nil
}
