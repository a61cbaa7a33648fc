package vex

import (
	"encoding/json"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/purl"
)

// cycloneDXDocument has the members of a CycloneDX 1.4 to 1.6 document that make up a VEX.
type cycloneDXDocument struct {
	Format   string      `json:"bomFormat"`
	Spec     string      `json:"specVersion"`
	Serial   string      `json:"serialNumber"`
	Version  versionText `json:"version"`
	Metadata struct {
		Timestamp string              `json:"timestamp"`
		Authors   []cycloneDXName     `json:"authors"`
		Supplier  cycloneDXName       `json:"supplier"`
		Maker     cycloneDXName       `json:"manufacture"`
		Component *cycloneDXComponent `json:"component"`
	} `json:"metadata"`
	Components      []cycloneDXComponent     `json:"components"`
	Vulnerabilities []cycloneDXVulnerability `json:"vulnerabilities"`
}

type cycloneDXName struct {
	Name string `json:"name"`
}

type cycloneDXComponent struct {
	Ref     string `json:"bom-ref"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	} `json:"hashes"`
	Components []cycloneDXComponent `json:"components"`
}

type cycloneDXVulnerability struct {
	ID         string `json:"id"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Updated  string `json:"updated"`
	Analysis *struct {
		State         string   `json:"state"`
		Justification string   `json:"justification"`
		Response      []string `json:"response"`
		Detail        string   `json:"detail"`
		LastUpdated   string   `json:"lastUpdated"`
	} `json:"analysis"`
	Affects []struct {
		Ref      string `json:"ref"`
		Versions []struct {
			Version string `json:"version"`
			Range   string `json:"range"`
			Status  string `json:"status"`
		} `json:"versions"`
	} `json:"affects"`
}

func parseCycloneDX(raw []byte) (*Document, error) {
	var in cycloneDXDocument
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, malformedError(FormatCycloneDX, err)
	}
	if !slices.Contains([]string{"1.4", "1.5", "1.6"}, in.Spec) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "CycloneDX %.20q is not supported; 1.4 to 1.6 are", in.Spec)
	}
	d := &Document{Format: FormatCycloneDX, Statements: len(in.Vulnerabilities)}
	d.ID, d.Version, d.Time = in.Serial, string(in.Version), parseTime(in.Metadata.Timestamp)
	if d.ID == "" { // it is optional; without one, no later document can replace this one
		d.ID = "urn:sha256:" + plimsoll.DigestOf(raw).Hex()
	}
	for _, n := range append(in.Metadata.Authors, in.Metadata.Supplier, in.Metadata.Maker) {
		if d.Author == "" {
			d.Author = n.Name
		}
	}
	if err := d.checkHeader(); err != nil {
		return nil, err
	}
	parts := in.componentsByRef()
	for _, v := range in.Vulnerabilities {
		if err := d.addCycloneDXVulnerability(v, parts, in.imageProduct()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// componentsByRef returns all components, at any depth, by bom-ref.
func (in *cycloneDXDocument) componentsByRef() map[string]cycloneDXComponent {
	out := map[string]cycloneDXComponent{}
	var walk func([]cycloneDXComponent)
	walk = func(list []cycloneDXComponent) { // the depth is bounded by checkDepth
		for _, p := range list {
			if p.Ref != "" {
				out[p.Ref] = p
			}
			walk(p.Components)
		}
	}
	if in.Metadata.Component != nil {
		walk([]cycloneDXComponent{*in.Metadata.Component})
	}
	walk(in.Components)
	return out
}

// imageProduct returns the container image that the document is about, or nil.
func (in *cycloneDXDocument) imageProduct() *Product {
	c := in.Metadata.Component
	if c == nil || c.Type != "container" {
		return nil
	}
	p := c.product()
	if p.Digest == "" && p.PURL == "" {
		return nil
	}
	return &p
}

func (c cycloneDXComponent) product() Product {
	p := Product{Name: joinNonEmpty(c.Name, c.Version), PURL: c.PURL}
	if c.PURL != "" {
		p.Name = c.PURL
	}
	for _, h := range c.Hashes {
		if h.Algorithm == "SHA-256" && p.Digest == "" {
			p.Digest = parseSHA256(h.Content)
		}
	}
	if p.Digest == "" && c.Type == "container" {
		p.Digest = digestSuffix(c.Version)
	}
	return p
}

func (d *Document) addCycloneDXVulnerability(v cycloneDXVulnerability, parts map[string]cycloneDXComponent, image *Product) error {
	ids := []string{v.ID}
	for _, r := range v.References {
		ids = append(ids, r.ID)
	}
	c := Claim{Vulnerability: preferredID(ids...), Time: d.Time}
	if v.Analysis == nil { // a plain list of found vulnerabilities adds nothing to our own results
		d.addSkipped(c, "the vulnerability has no analysis")
		return nil
	}
	a := v.Analysis
	c.Time = firstValidTime(d.Time, a.LastUpdated, v.Updated)
	var word string
	c.Status, word = cycloneDXStatus(a.State)
	c.Justification = cycloneDXJustification(a.Justification)
	c.Reason = joinNonEmpty(a.Detail, word, a.Justification, strings.Join(a.Response, ", "))
	if len(v.Affects) == 0 {
		d.addSkipped(c, "the vulnerability names no component")
	}
	for _, f := range v.Affects {
		base := c
		base.Product = referencedProduct(f.Ref, parts, image)
		if len(f.Versions) == 0 {
			if err := d.addClaim(base); err != nil {
				return err
			}
		}
		for _, ver := range f.Versions {
			if err := d.addCycloneDXVersion(base, ver.Version, ver.Range, ver.Status); err != nil {
				return err
			}
		}
	}
	return nil
}

// referencedProduct returns the product of a reference: a bom-ref of the document, or the
// fragment of a link to another document (urn:cdx:serial/version#ref). If the document is about
// an image, a package in it becomes a component of the image.
func referencedProduct(ref string, parts map[string]cycloneDXComponent, image *Product) Product {
	part, ok := parts[ref]
	if _, fragment, linked := strings.Cut(ref, "#"); !ok && linked {
		if part, ok = parts[fragment]; !ok {
			part = cycloneDXComponent{Name: ref}
			if strings.HasPrefix(fragment, "pkg:") {
				part.PURL = fragment
			}
		}
	} else if !ok {
		part = cycloneDXComponent{Name: ref}
		if strings.HasPrefix(ref, "pkg:") {
			part.PURL = ref
		}
	}
	p := part.product()
	if image == nil || part.Type == "container" || p.PURL == "" {
		return p
	}
	return Product{Name: joinNonEmpty(image.Name, p.Name), PURL: image.PURL, Digest: image.Digest, Component: p.PURL}
}

// addCycloneDXVersion adds a claim about one version of a product. A version range is skipped.
func (d *Document) addCycloneDXVersion(c Claim, version, vers, status string) error {
	if version == "" {
		d.addSkipped(c, "version ranges are not supported: "+truncate(vers, maxName))
		return nil
	}
	if status == "unaffected" && c.Status != plimsoll.StatusFixed {
		c.Status = plimsoll.StatusNotAffected
		c.Reason = joinNonEmpty(c.Reason, "version is unaffected")
	}
	target := &c.Product.PURL
	if c.Product.Component != "" {
		target = &c.Product.Component
	}
	if p, err := purl.Parse(*target); err == nil {
		p.Version = version
		*target = p.String()
		return d.addClaim(c)
	}
	d.addSkipped(c, "the component has versions, but no package URL")
	return nil
}

// cycloneDXStatus maps vulnerabilities[].analysis.state to a status. word keeps a detail that
// the status does not express, for the reason.
func cycloneDXStatus(state string) (status plimsoll.DecisionStatus, word string) {
	switch state {
	case "resolved", "resolved_with_pedigree":
		return plimsoll.StatusFixed, ""
	case "exploitable":
		return plimsoll.StatusAffected, ""
	case "in_triage":
		return plimsoll.StatusUnderInvestigation, ""
	case "false_positive":
		return plimsoll.StatusNotAffected, "false positive"
	case "not_affected":
		return plimsoll.StatusNotAffected, ""
	default:
		return "", ""
	}
}

// cycloneDXJustification maps the nine justifications of CycloneDX to the five of VEX; docs/vex.md
// has the table.
func cycloneDXJustification(word string) plimsoll.Justification {
	switch word {
	case "code_not_present":
		return plimsoll.JustifiedCodeNotPresent
	case "code_not_reachable", "requires_configuration", "requires_environment":
		return plimsoll.JustifiedNotInExecutePath
	case "requires_dependency":
		return plimsoll.JustifiedComponentNotPresent
	case "protected_by_compiler", "protected_at_runtime", "protected_at_perimeter", "protected_by_mitigating_control":
		return plimsoll.JustifiedMitigated
	default:
		return ""
	}
}
