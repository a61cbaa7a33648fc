package iam

import "plimsoll"

// catalogService is one entry of a token's catalog: where a kind of operations is (hss-api, section 3.1).
type catalogService struct {
	ID        string            `json:"id"`
	Type      string            `json:"type" doc:"hss, iam or eps"`
	Name      string            `json:"name"`
	Endpoints []catalogEndpoint `json:"endpoints" nullable:"false"`
}

type catalogEndpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface" doc:"public"`
	Region    string `json:"region" doc:"Name of the token's project, or * for all"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}

// everyRegion marks services that are the same for all projects.
const everyRegion = "*"

// catalogAt lists our services at an address. A token without a project has no entry for the service that needs one.
func catalogAt(address string, p plimsoll.Project) []catalogService {
	list := []catalogService{
		catalogEntry("iam", everyRegion, address+"/v3"),
		catalogEntry("eps", everyRegion, address+"/v1.0"),
	}
	if p.ID != "" {
		list = append(list, catalogEntry("hss", p.Name, address+"/v5/"+p.ID))
	}
	return list
}

func catalogEntry(kind, region, url string) catalogService {
	return catalogService{ID: kind, Type: kind, Name: kind, Endpoints: []catalogEndpoint{
		{ID: kind + "-public", Interface: "public", Region: region, RegionID: region, URL: url},
	}}
}
