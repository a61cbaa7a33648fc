package v1

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll/api/base"
)

// operations are our own.
var operations = []base.Operation{
	{
		ID: "listRegistries", Method: http.MethodGet, Path: "/api/v1/registries", Access: base.Reader,
		Tag: "registries", Summary: "List registries",
		Handler: base.Handle((*handlers).listRegistries),
	},
	{
		ID: "addRegistry", Method: http.MethodPost, Path: "/api/v1/registries", Access: base.Admin,
		Tag: "registries", Summary: "Add a registry", Status: http.StatusCreated,
		Description: "The registry is asked whether it answers before it is saved.",
		Handler:     base.Handle((*handlers).addRegistry),
	},
	{
		ID: "removeRegistry", Method: http.MethodDelete, Path: "/api/v1/registries/{name}", Access: base.Admin,
		Tag: "registries", Summary: "Remove a registry with its images", Status: http.StatusNoContent,
		Handler: base.Handle((*handlers).removeRegistry),
	},
	{
		ID: "syncRegistry", Method: http.MethodPost, Path: "/api/v1/registries/{name}/sync", Access: base.Editor,
		Tag: "syncs", Summary: "Read a registry again", Status: http.StatusAccepted,
		Description: "Answers with the task to watch.",
		Handler:     base.Handle((*handlers).syncRegistry),
	},
	{
		ID: "listImages", Method: http.MethodGet, Path: "/api/v1/images", Access: base.Reader,
		Tag: "images", Summary: "List images",
		Handler: base.Handle((*handlers).listImages),
	},
	{
		ID: "showImage", Method: http.MethodGet, Path: "/api/v1/images/{id}", Access: base.Reader,
		Tag: "images", Summary: "Show an image",
		Handler: base.Handle((*handlers).showImage),
	},
	{
		ID: "scanImages", Method: http.MethodPost, Path: "/api/v1/images/scan", Access: base.Editor,
		Tag: "scans", Summary: "Scan images", Status: http.StatusAccepted,
		Description: "Answers with the task to watch.",
		Handler:     base.Handle((*handlers).scanImages),
	},
	{
		ID: "listPackages", Method: http.MethodGet, Path: "/api/v1/images/{id}/packages", Access: base.Reader,
		Tag: "packages", Summary: "List the packages of an image",
		Description: "With the package of the system that installed their files, if nobody changed these since. Of a multi-architecture image those of all its platforms.",
		Handler:     base.Handle((*handlers).listPackages),
	},
	{
		ID: "listVulnerabilitiesOfImage", Method: http.MethodGet, Path: "/api/v1/images/{id}/vulnerabilities", Access: base.Reader,
		Tag: "packages", Summary: "List the vulnerabilities of an image",
		Description: "Worst first, a row for each vulnerability, package and path. What only lock files name is listed with declared=true, and is never counted.",
		Handler:     base.Handle((*handlers).listVulnerabilities),
	},
	{
		ID: "showImageFiles", Method: http.MethodGet, Path: "/api/v1/images/{id}/files", Access: base.Reader,
		Tag: "files", Summary: "Sum up the files of an image",
		Description: "Number and bytes, by kind, and the fifty largest with their SHA-256.",
		Handler:     base.Handle((*handlers).showFiles),
	},
	{
		ID: "listBaseImages", Method: http.MethodGet, Path: "/api/v1/images/{id}/base-images", Access: base.Reader,
		Tag: "files", Summary: "List the images that an image is based on",
		Handler: base.Handle((*handlers).listBaseImages),
	},
	{
		ID: "listSettings", Method: http.MethodGet, Path: "/api/v1/images/{id}/settings", Access: base.Reader,
		Tag: "settings", Summary: "List the results of the baseline rules of an image",
		Description: "Passed, failed and \"not looked\"; rules that do not apply are left out. Of a multi-architecture image the worst of its platforms.",
		Handler:     base.Handle((*handlers).listSettings),
	},
	{
		ID: "showSoftwarePolicy", Method: http.MethodGet, Path: "/api/v1/software-policy", Access: base.Reader,
		Tag: "software", Summary: "Show what software a project forbids",
		Handler: base.Handle((*handlers).showPolicy),
	},
	{
		ID: "setSoftwarePolicy", Method: http.MethodPut, Path: "/api/v1/software-policy", Access: base.ProjectAdmin,
		Tag: "software", Summary: "Choose what software a project forbids",
		Description: "Acts at once on what is stored; nothing is scanned again.",
		Handler:     base.Handle((*handlers).setPolicy),
	},
	{
		ID: "listSecrets", Method: http.MethodGet, Path: "/api/v1/images/{id}/secrets", Access: base.Reader,
		Tag: "secrets", Summary: "List the secrets of an image",
		Description: "Worst first, masked, ignored ones and those that an upper layer hides included; of a multi-architecture image those of all its platforms.",
		Handler:     base.Handle((*handlers).listSecrets),
	},
	{
		ID: "listTasks", Method: http.MethodGet, Path: "/api/v1/tasks", Access: base.Reader,
		Tag: "tasks", Summary: "List tasks, newest first",
		Handler: base.Handle((*handlers).listTasks),
	},
	{
		ID: "showTask", Method: http.MethodGet, Path: "/api/v1/tasks/{id}", Access: base.SignedIn,
		Tag: "tasks", Summary: "Show how far a task has come",
		Description: "One that the caller asked for, or of an enterprise project where the caller is a reader.",
		Handler:     base.Handle((*handlers).showTask),
	},
	{
		ID: "showAdvisories", Method: http.MethodGet, Path: "/api/v1/advisories", Access: base.SignedIn,
		Tag: "advisories", Summary: "Show the state of the advisory feeds",
		Handler: base.Handle((*handlers).showAdvisories),
	},
	{
		ID: "importAdvisories", Method: http.MethodPut, Path: "/api/v1/advisories/{feed}", Access: base.Operator,
		Tag: "advisories", Summary: "Import a feed",
		Description: "The body is an all.zip of OSV records.",
		Streamed:    true, RawBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}},
		Handler: base.Handle((*handlers).importAdvisories),
	},
	{
		ID: "listDecisions", Method: http.MethodGet, Path: "/api/v1/decisions", Access: base.Reader,
		Tag: "decisions", Summary: "List decisions about findings",
		Handler: base.Handle((*handlers).listDecisions),
	},
	{
		ID: "addDecision", Method: http.MethodPost, Path: "/api/v1/decisions", Access: base.Editor,
		Tag: "decisions", Summary: "Decide about a finding", Status: http.StatusCreated,
		Description: "A decision with the same finding and scope is replaced; an equal one stays.",
		Handler:     base.Handle((*handlers).addDecision),
	},
	{
		ID: "removeDecision", Method: http.MethodDelete, Path: "/api/v1/decisions/{id}", Access: base.Editor,
		Tag: "decisions", Summary: "Withdraw a decision", Status: http.StatusNoContent,
		Description: "It stays in the list of those that ended.",
		Handler:     base.Handle((*handlers).removeDecision),
	},
	{
		ID: "importVEX", Method: http.MethodPost, Path: "/api/v1/vex", Access: base.Editor,
		Tag: "decisions", Summary: "Import a VEX document as decisions",
		Description: "A newer document of the same id replaces what it said; the same one changes nothing. Unmatched products are listed in the answer.",
		RawBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "object", Description: "OpenVEX 0.2, CSAF 2.0 of the VEX profile, or CycloneDX 1.4 to 1.6"}},
		}},
		Handler: base.Handle((*handlers).importVEX),
	},
	{
		ID: "exportVEX", Method: http.MethodGet, Path: "/api/v1/vex", Access: base.Reader,
		Tag: "decisions", Summary: "Export decisions as OpenVEX",
		Handler: base.Handle((*handlers).exportVEX),
	},
	{
		ID: "explainVulnerability", Method: http.MethodGet, Path: "/api/v1/images/{id}/vulnerabilities/{cve}", Access: base.Reader,
		Tag: "vulnerabilities", Summary: "Explain why an image is affected, or why not",
		Description: "From build step and layer over path, package and advisory to the range that matched, the fixed version, the severity with its source and the decision.",
		Handler:     base.Handle((*handlers).explain),
	},
	{
		ID: "listUsers", Method: http.MethodGet, Path: "/api/v1/users", Access: base.ProjectAdmin,
		Tag: "users", Summary: "List users",
		Description: "Those of the caller's projects, with their grants there.",
		Handler:     base.Handle((*handlers).listUsers),
	},
	{
		ID: "addUser", Method: http.MethodPost, Path: "/api/v1/users", Access: base.ProjectAdmin,
		Tag: "users", Summary: "Add a user", Status: http.StatusCreated,
		Description: "The caller must administer every project of the grants.",
		Handler:     base.Handle((*handlers).addUser),
	},
	{
		ID: "removeUser", Method: http.MethodDelete, Path: "/api/v1/users/{name}", Access: base.ProjectAdmin,
		Tag: "users", Summary: "Remove a user with tokens and keys", Status: http.StatusNoContent,
		Description: "The caller must administer every project where the user may do something.",
		Handler:     base.Handle((*handlers).removeUser),
	},
	{
		ID: "setPassword", Method: http.MethodPut, Path: "/api/v1/users/{name}/password", Access: base.ProjectAdmin,
		Tag: "users", Summary: "Set a user's password", Status: http.StatusNoContent,
		Description: "Ends the user's sessions. The caller must administer every project where the user may do something.",
		Handler:     base.Handle((*handlers).setPassword),
	},
	{
		ID: "listKeys", Method: http.MethodGet, Path: "/api/v1/keys", Access: base.ProjectAdmin,
		Tag: "keys", Summary: "List a user's access keys",
		Description: "The caller must administer every project where the user may do something.",
		Handler:     base.Handle((*handlers).listKeys),
	},
	{
		ID: "addKey", Method: http.MethodPost, Path: "/api/v1/keys", Access: base.ProjectAdmin,
		Tag: "keys", Summary: "Make an access key", Status: http.StatusCreated,
		Description: "The secret is in this answer and nowhere else. The caller must administer every project where the user may do something.",
		Handler:     base.Handle((*handlers).addKey),
	},
	{
		ID: "removeKey", Method: http.MethodDelete, Path: "/api/v1/keys/{access}", Access: base.ProjectAdmin,
		Tag: "keys", Summary: "Remove an access key", Status: http.StatusNoContent,
		Description: "The caller must administer every project where the user may do something.",
		Handler:     base.Handle((*handlers).removeKey),
	},
	{
		ID: "listImageHistory", Method: http.MethodGet, Path: "/api/v1/images/{id}/history", Access: base.Reader,
		Tag: "history", Summary: "List what happened to the vulnerabilities of an image, newest first",
		Description: "When each appeared, changed or was resolved, and why: an advisory, the matcher, another artifact behind the tag.",
		Handler:     base.Handle((*handlers).listHistory),
	},
	{
		ID: "listImageFindings", Method: http.MethodGet, Path: "/api/v1/images/{id}/findings", Access: base.Reader,
		Tag: "history", Summary: "List the vulnerabilities of an image as of an instant",
		Description: "With since when and until when each holds. known is false if the image, as it was then, had not been looked at.",
		Handler:     base.Handle((*handlers).listFindings),
	},
	{
		ID: "showVersion", Method: http.MethodGet, Path: "/api/v1/version", Access: base.SignedIn,
		Tag: "service", Summary: "Show the version of the server",
		Handler: base.Handle((*handlers).showVersion),
	},
}
