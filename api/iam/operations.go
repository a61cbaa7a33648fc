package iam

import (
	"net/http"

	"plimsoll/api/base"
)

// operations are what this server offers of the identity and enterprise-project APIs.
var operations = []base.Operation{
	{
		ID: "CreateToken", Method: http.MethodPost, Path: "/v3/auth/tokens", Access: base.Public,
		Tag: "tokens", Summary: "Sign in", Status: http.StatusCreated,
		Description: "Answers with a token in the header X-Subject-Token, to be sent as X-Auth-Token.",
		Handler:     base.Handle((*handlers).createToken),
	},
	{
		ID: "ShowTokenGET", Method: http.MethodGet, Path: "/v3/auth/tokens", Access: base.SignedIn,
		Tag: "tokens", Summary: "Check a token",
		Description: "The token in X-Subject-Token must belong to the caller.",
		Handler:     base.Handle((*handlers).showToken),
	},
	{
		ID: "ShowTokenHEAD", Method: http.MethodHead, Path: "/v3/auth/tokens", Access: base.SignedIn,
		Tag: "tokens", Summary: "Check a token",
		Description: "The token in X-Subject-Token must belong to the caller.",
		Handler:     base.Handle((*handlers).showToken),
	},
	{
		ID: "RevokeToken", Method: http.MethodDelete, Path: "/v3/auth/tokens", Access: base.SignedIn,
		Tag: "tokens", Summary: "End a token", Status: http.StatusNoContent,
		Description: "The token in X-Subject-Token, which must belong to the caller, is good for nothing from now on.",
		Handler:     base.Handle((*handlers).revokeToken),
	},
	{
		ID: "ListProjects", Method: http.MethodGet, Path: "/v3/projects", Access: base.SignedIn,
		Tag: "projects", Summary: "List projects",
		Description: "Those in which the caller has a role, in any other project too. All filters must match; what nothing matches is an empty list.",
		Handler:     base.Handle((*handlers).listProjects),
	},
	{
		ID: "ShowProject", Method: http.MethodGet, Path: "/v3/projects/{id}", Access: base.SignedIn,
		Tag: "projects", Summary: "Show a project",
		Description: "One in which the caller has a role.",
		Handler:     base.Handle((*handlers).showProject),
	},
	{
		ID: "ListAuthProjects", Method: http.MethodGet, Path: "/v3/auth/projects", Access: base.SignedIn,
		Tag: "projects", Summary: "List the caller's projects",
		Description: "Those that a token can be for.",
		Handler:     base.Handle((*handlers).listAuthProjects),
	},
	{
		ID: "ListAuthDomains", Method: http.MethodGet, Path: "/v3/auth/domains", Access: base.SignedIn,
		Tag: "projects", Summary: "Show the caller's domain",
		Description: "As a list of one.",
		Handler:     base.Handle((*handlers).listAuthDomains),
	},
	{
		ID: "ListEnterpriseProject", Method: http.MethodGet, Path: "/v1.0/enterprise-projects", Access: base.SignedIn,
		Tag: "projects", Summary: "List enterprise projects",
		Description: "Those in which the caller has a role: every one of the domain with a role in a whole project.",
		Handler:     base.Handle((*handlers).listEnterprise),
	},
	{
		ID: "ShowEnterpriseProject", Method: http.MethodGet, Path: "/v1.0/enterprise-projects/{id}", Access: base.SignedIn,
		Tag: "projects", Summary: "Show an enterprise project",
		Description: "One in which the caller has a role.",
		Handler:     base.Handle((*handlers).showEnterprise),
	},
}
