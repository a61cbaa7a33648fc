package hss

import (
	"plimsoll/api/base"
)

// Roles are what the handlers ask; all of them are required.
type Roles struct {
	Images          ImageLister
	Lookup          base.ImageFinder
	Files           FileLister
	Settings        SettingLister
	Software        SoftwareLister
	Secrets         SecretKeeper
	Malware         MalwareLister
	WeakPasswords   WeakPasswordKeeper
	Vulnerabilities VulnerabilityLister
	CVEs            CVELister
	Scans           Scanner
	Registries      RegistryLister
	Tasks           base.TaskCreator
	Decisions       DecisionKeeper
	Census          VulnerabilityCensus

	// SecretRules describes rules for secrets, by id.
	SecretRules map[string]string
}

// handlers holds what the handlers of the family share.
type handlers struct {
	cfg   base.Config
	roles Roles
}

// Family returns the operations of the contract.
func Family(cfg base.Config, roles Roles) *base.Family {
	return &base.Family{
		Name: "hss", Title: "Operations of the vendor's contract", Prefixes: []string{"/v5"},
		Operations: operations, Handlers: &handlers{cfg: cfg, roles: roles},
		NotOffered: notOffered(), ErrorBody: errorBody,
	}
}
