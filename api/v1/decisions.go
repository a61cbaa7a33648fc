package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// DecisionKeeper keeps what was said about findings. It checks no permission: the handlers do.
type DecisionKeeper interface {
	// ChangeDecisions ends some and makes others, all or none, and returns those that were made.
	ChangeDecisions(ctx context.Context, made, ended []plimsoll.Decision) ([]plimsoll.Decision, error)

	// EndDecision answers NotFound for one of another project, or of an enterprise project that is
	// not listed; nil lists all. Forbidden for one of the whole project if not all are.
	EndDecision(ctx context.Context, projectID string, enterpriseProjects []string, id int64, by string) error

	// Decisions lists them newest first.
	Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error)
}

// OwnQuery holds what our own operations without a project in their path have.
type OwnQuery struct {
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" doc:"Enterprise project; absent = every one that the caller may see"`
}

// DecideQuery names whose findings an operation decides about.
type DecideQuery struct {
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" default:"0" doc:"Enterprise project; all_granted_eps is the whole project"`
}

// ownProject is the project that a request without one in its path is about.
func ownProject(p plimsoll.Principal) (string, error) {
	if p.Project.ID == "" {
		return "", plimsoll.Errorf(plimsoll.Invalid, "the request is for no project").
			WithHint("use a token with a project in its scope, or send the header %s with a signature", headerProject)
	}
	return p.Project.ID, nil
}

// reading is whose data an operation of ours reads.
func reading(ctx context.Context, in OwnQuery) (projectID string, eps []string, err error) {
	p := caller(ctx)
	if projectID, err = ownProject(p); err != nil {
		return "", nil, err
	}
	eps, err = ownScope(p, plimsoll.RoleReader, in.EnterpriseProject)
	return projectID, eps, err
}

// deciding is who decides with an operation of ours, and for which tenant.
func deciding(ctx context.Context, in DecideQuery) (p plimsoll.Principal, t plimsoll.Tenant, err error) {
	p = caller(ctx)
	projectID, err := ownProject(p)
	if err != nil {
		return p, t, err
	}
	t, err = decidingFor(p, projectID, in.EnterpriseProject)
	return p, t, err
}

// decidingFor is the tenant that somebody with the role decides for; an empty enterprise
// project is the whole project.
func decidingFor(p plimsoll.Principal, projectID, enterpriseProject string) (plimsoll.Tenant, error) {
	eps, err := scope(p, plimsoll.RoleEditor, enterpriseProject)
	switch {
	case err != nil:
		return plimsoll.Tenant{}, err
	case eps == nil:
		return plimsoll.Tenant{ProjectID: projectID}, nil
	case len(eps) > 1:
		return plimsoll.Tenant{}, plimsoll.Errorf(plimsoll.Invalid, "name one enterprise project: the role %s is not for the whole project", plimsoll.RoleEditor)
	default:
		return plimsoll.Tenant{ProjectID: projectID, EnterpriseProject: eps[0]}, nil
	}
}

type listDecisionsInput struct {
	OwnQuery
	Finding  string                  `query:"finding" maxLength:"256" doc:"The id as it was decided about, exact"`
	Status   plimsoll.DecisionStatus `query:"status" enum:"not_affected,affected,fixed,under_investigation,ignored,accepted"`
	Document string                  `query:"document" maxLength:"512" doc:"Id of the VEX document"`
	Ended    bool                    `query:"ended" doc:"true: also those that were withdrawn, were replaced or have expired"`
	Before   int64                   `query:"before" minimum:"0" doc:"next of the page before; absent = the newest"`
	Limit    int                     `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type decisionList struct {
	Items []plimsoll.Decision `json:"items" nullable:"false" doc:"Newest first"`
	Next  int64               `json:"next,omitempty" doc:"Where the next page begins; absent on the last"`
}

type listDecisionsOutput struct{ Body decisionList }

// decisionBody is a decision to make, in the words of plimsoll.Decision. Members that the server sets are ignored.
type decisionBody struct {
	_             struct{}                `additionalProperties:"true"`
	Kind          plimsoll.FindingKind    `json:"kind,omitempty" enum:"vulnerability" default:"vulnerability"`
	Finding       string                  `json:"finding" minLength:"1" maxLength:"256" doc:"A CVE, an alias or an advisory"`
	Scope         scopeBody               `json:"scope,omitempty" doc:"Absent = everything in the enterprise project"`
	Status        plimsoll.DecisionStatus `json:"status" enum:"not_affected,affected,fixed,under_investigation,ignored,accepted"`
	Justification plimsoll.Justification  `json:"justification,omitempty" enum:"component_not_present,vulnerable_code_not_present,vulnerable_code_not_in_execute_path,vulnerable_code_cannot_be_controlled_by_adversary,inline_mitigations_already_exist" doc:"Of not_affected"`
	Reason        string                  `json:"reason,omitempty" maxLength:"4096"`
	ExpiresAt     time.Time               `json:"expires_at,omitempty" doc:"Absent = never"`
}

type scopeBody struct {
	_          struct{}         `additionalProperties:"true"`
	RegistryID int64            `json:"registry_id,omitempty" minimum:"0"`
	Repository string           `json:"repository,omitempty" maxLength:"512" doc:"Path in the registry"`
	Tag        string           `json:"tag,omitempty" maxLength:"512" doc:"With a repository: one image"`
	Digest     plimsoll.Digest  `json:"digest,omitempty" maxLength:"71" doc:"Of an artifact, or of an index it is a member of"`
	Package    string           `json:"package,omitempty" maxLength:"512" doc:"Package URL, name, or name@version"`
	Packages   plimsoll.SetKind `json:"packages,omitempty" enum:"os,language" doc:"Packages of the operating system only, or of languages only"`
}

type addDecisionInput struct {
	DecideQuery
	Body decisionBody
}

type decisionOutput struct{ Body plimsoll.Decision }

type removeDecisionInput struct {
	ID int64 `path:"id" minimum:"1"`
}

func (a *API) registerDecisions() {
	closed(a, huma.Operation{
		OperationID: "listDecisions", Method: http.MethodGet, Path: "/api/v1/decisions",
		Tags: []string{"decisions"}, Summary: "List decisions about findings",
	}, a.listDecisions)
	closed(a, huma.Operation{
		OperationID: "addDecision", Method: http.MethodPost, Path: "/api/v1/decisions", DefaultStatus: http.StatusCreated,
		Tags: []string{"decisions"}, Summary: "Decide about a finding",
		Description: "A decision with the same finding and scope is replaced; one that says the same stays. Role: editor.",
	}, a.addDecision)
	closed(a, huma.Operation{
		OperationID: "removeDecision", Method: http.MethodDelete, Path: "/api/v1/decisions/{id}", DefaultStatus: http.StatusNoContent,
		Tags: []string{"decisions"}, Summary: "Withdraw a decision", Description: "It stays in the list of those that ended. Role: editor.",
	}, a.removeDecision)
}

func (a *API) listDecisions(ctx context.Context, in *listDecisionsInput) (*listDecisionsOutput, error) {
	projectID, eps, err := reading(ctx, in.OwnQuery)
	if err != nil {
		return nil, err
	}
	list, err := a.roles.Decisions.Decisions(ctx, plimsoll.DecisionFilter{
		ProjectID: projectID, EnterpriseProjects: eps, Finding: in.Finding, Status: in.Status, Document: in.Document, Ended: in.Ended,
		Before: in.Before, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &listDecisionsOutput{Body: decisionList{Items: append([]plimsoll.Decision{}, list...)}}
	if len(list) == in.Limit {
		out.Body.Next = list[len(list)-1].ID
	}
	return out, nil
}

func (a *API) addDecision(ctx context.Context, in *addDecisionInput) (*decisionOutput, error) {
	p, t, err := deciding(ctx, in.DecideQuery)
	if err != nil {
		return nil, err
	}
	b, s := in.Body, in.Body.Scope
	made, err := a.roles.Decisions.ChangeDecisions(ctx, []plimsoll.Decision{{
		Tenant: t, Kind: plimsoll.FindingVulnerability, Finding: b.Finding,
		Scope: plimsoll.DecisionScope{
			RegistryID: s.RegistryID, Repository: s.Repository, Tag: s.Tag, Digest: s.Digest, Package: s.Package, Packages: s.Packages,
		},
		Status: b.Status, Justification: b.Justification, Reason: b.Reason, Author: p.User.Name, ExpiresAt: b.ExpiresAt,
	}}, nil)
	if err != nil {
		return nil, err
	}
	return &decisionOutput{Body: made[0]}, nil
}

func (a *API) removeDecision(ctx context.Context, in *removeDecisionInput) (*struct{}, error) {
	p := caller(ctx)
	projectID, err := ownProject(p)
	if err != nil {
		return nil, err
	}
	eps, err := scope(p, plimsoll.RoleEditor, allEnterprise)
	if err != nil {
		return nil, err
	}
	return nil, a.roles.Decisions.EndDecision(ctx, projectID, eps, in.ID, p.User.Name)
}
