package vex

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll"
)

// openVEXDocument is an OpenVEX 0.2.0 document. Version 0.0.1 had strings for vulnerabilities
// and products.
type openVEXDocument struct {
	Context     string             `json:"@context"`
	ID          string             `json:"@id"`
	Author      string             `json:"author"`
	Timestamp   string             `json:"timestamp"`
	LastUpdated string             `json:"last_updated,omitempty"`
	Version     versionText        `json:"version"`
	Statements  []openVEXStatement `json:"statements"`
}

type openVEXStatement struct {
	Vulnerability openVEXName      `json:"vulnerability"`
	Timestamp     string           `json:"timestamp,omitempty"`
	LastUpdated   string           `json:"last_updated,omitempty"`
	Products      []openVEXProduct `json:"products"`
	Subcomponents []openVEXProduct `json:"subcomponents,omitempty"` // 0.0.1
	Status        string           `json:"status"`
	Justification string           `json:"justification,omitempty"`
	Impact        string           `json:"impact_statement,omitempty"`
	Action        string           `json:"action_statement,omitempty"`
	Notes         string           `json:"status_notes,omitempty"`
}

type openVEXName struct {
	ID      string   `json:"@id,omitempty"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
}

// UnmarshalJSON reads an object, or the string of version 0.0.1.
func (n *openVEXName) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &n.Name)
	}
	type plain openVEXName
	return json.Unmarshal(raw, (*plain)(n))
}

type openVEXProduct struct {
	ID            string            `json:"@id,omitempty"`
	Identifiers   map[string]string `json:"identifiers,omitempty"`
	Hashes        map[string]string `json:"hashes,omitempty"`
	Subcomponents []openVEXProduct  `json:"subcomponents,omitempty"`
}

// UnmarshalJSON reads an object, or the string of version 0.0.1.
func (p *openVEXProduct) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &p.ID)
	}
	type plain openVEXProduct
	return json.Unmarshal(raw, (*plain)(p))
}

// versionText is the version of a document: a number, or a string in old documents.
type versionText string

// UnmarshalJSON reads either.
func (v *versionText) UnmarshalJSON(raw []byte) error {
	*v = versionText(strings.Trim(string(raw), `"`))
	return nil
}

// MarshalJSON writes a number if possible, else a string.
func (v versionText) MarshalJSON() ([]byte, error) {
	if n, err := strconv.Atoi(string(v)); err == nil {
		return []byte(strconv.Itoa(n)), nil
	}
	return json.Marshal(string(v))
}

func parseOpenVEX(raw []byte) (*Document, error) {
	var in openVEXDocument
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, malformedError(FormatOpenVEX, err)
	}
	d := &Document{Format: FormatOpenVEX, Statements: len(in.Statements)}
	d.ID, d.Author, d.Version = in.ID, in.Author, string(in.Version)
	d.Time = firstValidTime(time.Time{}, in.LastUpdated, in.Timestamp)
	if err := d.checkHeader(); err != nil {
		return nil, err
	}
	for _, s := range in.Statements {
		if err := d.addOpenVEXStatement(s); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Document) addOpenVEXStatement(s openVEXStatement) error {
	c := Claim{
		Vulnerability: preferredID(append([]string{s.Vulnerability.Name, s.Vulnerability.ID}, s.Vulnerability.Aliases...)...),
		Status:        openVEXStatus(s.Status), Justification: parseJustification(s.Justification),
		Reason: joinNonEmpty(s.Impact, s.Action, s.Notes), Time: firstValidTime(d.Time, s.LastUpdated, s.Timestamp),
	}
	if len(s.Products) == 0 {
		d.addSkipped(c, "the statement names no product")
	}
	for _, p := range s.Products {
		c.Product = p.product()
		parts := slices.Concat(p.Subcomponents, s.Subcomponents)
		if len(parts) == 0 {
			if err := d.addClaim(c); err != nil {
				return err
			}
		}
		for _, sub := range parts {
			part := c
			part.Product.Name = joinNonEmpty(part.Product.Name, sub.name())
			if part.Product.Component = sub.purl(); part.Product.Component == "" {
				d.addSkipped(part, "the subcomponent has no package URL")
				continue
			}
			if err := d.addClaim(part); err != nil {
				return err
			}
		}
	}
	return nil
}

func openVEXStatus(word string) plimsoll.DecisionStatus {
	switch s := plimsoll.DecisionStatus(word); s {
	case plimsoll.StatusNotAffected, plimsoll.StatusAffected, plimsoll.StatusFixed, plimsoll.StatusUnderInvestigation:
		return s
	default:
		return ""
	}
}

func (p openVEXProduct) purl() string {
	if u := p.Identifiers["purl"]; u != "" {
		return u
	}
	if strings.HasPrefix(p.ID, "pkg:") {
		return p.ID
	}
	return ""
}

func (p openVEXProduct) name() string {
	for _, name := range []string{p.ID, p.Identifiers["purl"], p.Identifiers["cpe23"], p.Identifiers["cpe22"]} {
		if name != "" {
			return name
		}
	}
	return "(unnamed)"
}

func (p openVEXProduct) product() Product {
	out := Product{Name: p.name(), PURL: p.purl(), Digest: parseSHA256(p.Hashes["sha-256"])}
	if out.Digest == "" {
		out.Digest = digestSuffix(p.ID)
	}
	return out
}
