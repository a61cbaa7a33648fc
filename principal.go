package plimsoll

import (
	"slices"
	"time"
)

// Role is what a user may do in a project. A higher role includes the lower.
type Role string

// The roles, lowest first.
const (
	RoleReader Role = "reader" // sees
	RoleEditor Role = "editor" // asks for scans and syncs
	RoleAdmin  Role = "admin"  // registries, advisories, users, keys
)

// Roles lists every role, lowest first.
func Roles() []Role { return []Role{RoleReader, RoleEditor, RoleAdmin} }

// Includes reports whether r is at least want.
func (r Role) Includes(want Role) bool {
	have, need := slices.Index(Roles(), r), slices.Index(Roles(), want)
	return need >= 0 && have >= need
}

// DefaultEnterpriseProject is the id of the enterprise project that always exists.
const DefaultEnterpriseProject = "0"

// Domain is the account that owns projects and users.
type Domain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Project is a tenant.
type Project struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	DomainID  string    `json:"domain_id"`
	CreatedAt time.Time `json:"created_at"`
}

// EnterpriseProject divides the resources of a domain's projects; grants may be for one of them.
type EnterpriseProject struct {
	ID        string    `json:"id"` // unique in the domain
	Name      string    `json:"name"`
	DomainID  string    `json:"domain_id"`
	CreatedAt time.Time `json:"created_at"`
}

// User is somebody who can sign in.
type User struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	DomainID     string    `json:"domain_id"`
	PasswordHash string    `json:"-"` // argon2id, PHC string format
	Disabled     bool      `json:"disabled,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
	Grants       []Grant   `json:"grants"`
}

// Grant gives a user a role in a project, in all its enterprise projects or in one.
type Grant struct {
	ProjectID         string `json:"project_id"`
	EnterpriseProject string `json:"enterprise_project_id,omitempty"` // "" = all
	Role              Role   `json:"role"`
}

// AccessKey is a key pair that signs requests.
type AccessKey struct {
	Access       string    `json:"access"`
	SealedSecret []byte    `json:"-"`
	UserID       string    `json:"user_id"`
	Description  string    `json:"description,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

// SealedFor is the additional data that the secret is sealed with: it opens for this key only.
func (k AccessKey) SealedFor() []byte { return []byte("access-key/" + k.Access) }

// Token is a signed-in session. Only the hash of what the client holds is stored.
type Token struct {
	Hash      string // hex SHA-256
	UserID    string
	ProjectID string // "" if unscoped
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Principal is who is asking, in one project.
type Principal struct {
	User    User
	Domain  Domain
	Project Project // zero if unscoped
	Grants  []Grant // those in Project
	Method  string  // "token", "key", "local"
}

// Role returns the principal's role in an enterprise project of its project, "" for none.
func (p Principal) Role(enterpriseProject string) Role {
	best := Role("")
	for _, g := range p.Grants {
		applies := g.EnterpriseProject == "" || g.EnterpriseProject == enterpriseProject
		if applies && !best.Includes(g.Role) {
			best = g.Role
		}
	}
	return best
}

// EnterpriseProjects returns those in which the principal has at least the role;
// all is true if that is every one of the project.
func (p Principal) EnterpriseProjects(role Role) (ids []string, all bool) {
	for _, g := range p.Grants {
		if !g.Role.Includes(role) {
			continue
		}
		if g.EnterpriseProject == "" {
			return nil, true
		}
		ids = append(ids, g.EnterpriseProject)
	}
	slices.Sort(ids)
	return slices.Compact(ids), false
}
