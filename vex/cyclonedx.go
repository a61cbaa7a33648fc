package vex

import (
	"encoding/json"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/purl"
)

// cycloneDX is the part of a CycloneDX 1.4 to 1.6 document that is a VEX.
type cycloneDX struct {
	Format   string  `json:"bomFormat"`
	Spec     string  `json:"specVersion"`
	Serial   string  `json:"serialNumber"`
	Version  version `json:"version"`
	Metadata struct {
		Timestamp string          `json:"timestamp"`
		Authors   []cycloneDXName `json:"authors"`
		Supplier  cycloneDXName   `json:"supplier"`
		Maker     cycloneDXName   `json:"manufacture"`
		Component *cycloneDXPart  `json:"component"`
	} `json:"metadata"`
	Components      []cycloneDXPart          `json:"components"`
	Vulnerabilities []cycloneDXVulnerability `json:"vulnerabilities"`
}

type cycloneDXName struct {
	Name string `json:"name"`
}

type cycloneDXPart struct {
	Ref     string `json:"bom-ref"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version"`
	PURL    string `json:"purl"`
	Hashes  []struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	} `json:"hashes"`
	Components []cycloneDXPart `json:"components"`
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
	var in cycloneDX
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, malformed(FormatCycloneDX, err)
	}
	if !slices.Contains([]string{"1.4", "1.5", "1.6"}, in.Spec) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "CycloneDX %.20q is not read; 1.4 to 1.6 are", in.Spec)
	}
	d := &Document{Format: FormatCycloneDX, Statements: len(in.Vulnerabilities)}
	d.ID, d.Version, d.Time = in.Serial, string(in.Version), timeOf(in.Metadata.Timestamp)
	if d.ID == "" { // it is optional; without one no other document can be a newer one of this
		d.ID = "urn:sha256:" + plimsoll.DigestOf(raw).Hex()
	}
	for _, n := range append(in.Metadata.Authors, in.Metadata.Supplier, in.Metadata.Maker) {
		if d.Author == "" {
			d.Author = n.Name
		}
	}
	if err := d.checkHead(); err != nil {
		return nil, err
	}
	parts := in.parts()
	for _, v := range in.Vulnerabilities {
		if err := d.cycloneDXVulnerability(v, parts, in.image()); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// parts are the components by reference.
func (in *cycloneDX) parts() map[string]cycloneDXPart {
	out := map[string]cycloneDXPart{}
	var walk func([]cycloneDXPart)
	walk = func(list []cycloneDXPart) { // the depth is bounded by checkDepth
		for _, p := range list {
			if p.Ref != "" {
				out[p.Ref] = p
			}
			walk(p.Components)
		}
	}
	if in.Metadata.Component != nil {
		walk([]cycloneDXPart{*in.Metadata.Component})
	}
	walk(in.Components)
	return out
}

// image is the container that the whole document is about, if it is about one.
func (in *cycloneDX) image() *Product {
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

func (c cycloneDXPart) product() Product {
	p := Product{Name: joined(c.Name, c.Version), PURL: c.PURL}
	if c.PURL != "" {
		p.Name = c.PURL
	}
	for _, h := range c.Hashes {
		if h.Algorithm == "SHA-256" && p.Digest == "" {
			p.Digest = sha256Of(h.Content)
		}
	}
	if p.Digest == "" && c.Type == "container" {
		p.Digest = digestIn(c.Version)
	}
	return p
}

func (d *Document) cycloneDXVulnerability(v cycloneDXVulnerability, parts map[string]cycloneDXPart, image *Product) error {
	ids := []string{v.ID}
	for _, r := range v.References {
		ids = append(ids, r.ID)
	}
	c := Claim{Vulnerability: bestID(ids...), Time: d.Time}
	if v.Analysis == nil { // an ordinary list of what was found says nothing that we would not find
		d.skip(c, "the vulnerability has no analysis")
		return nil
	}
	a := v.Analysis
	c.Time = firstTime(d.Time, a.LastUpdated, v.Updated)
	var word string
	c.Status, word = cycloneDXStatus(a.State)
	c.Justification = cycloneDXJustification(a.Justification)
	c.Reason = joined(a.Detail, word, a.Justification, strings.Join(a.Response, ", "))
	if len(v.Affects) == 0 {
		d.skip(c, "the vulnerability names no component")
	}
	for _, f := range v.Affects {
		base := c
		base.Product = partProduct(f.Ref, parts, image)
		if len(f.Versions) == 0 {
			if err := d.claim(base); err != nil {
				return err
			}
		}
		for _, ver := range f.Versions {
			if err := d.cycloneDXVersion(base, ver.Version, ver.Range, ver.Status); err != nil {
				return err
			}
		}
	}
	return nil
}

// partProduct finds what a reference means: a bom-ref of the document, or the fragment of
// a link to another one (urn:cdx:serial/version#ref). A part of an image is a component of it.
func partProduct(ref string, parts map[string]cycloneDXPart, image *Product) Product {
	part, ok := parts[ref]
	if _, fragment, linked := strings.Cut(ref, "#"); !ok && linked {
		if part, ok = parts[fragment]; !ok {
			part = cycloneDXPart{Name: ref}
			if strings.HasPrefix(fragment, "pkg:") {
				part.PURL = fragment
			}
		}
	} else if !ok {
		part = cycloneDXPart{Name: ref}
		if strings.HasPrefix(ref, "pkg:") {
			part.PURL = ref
		}
	}
	p := part.product()
	if image == nil || part.Type == "container" || p.PURL == "" {
		return p
	}
	return Product{Name: joined(image.Name, p.Name), PURL: image.PURL, Digest: image.Digest, Component: p.PURL}
}

// cycloneDXVersion makes a claim about one version of a product.
func (d *Document) cycloneDXVersion(c Claim, version, vers, status string) error {
	if version == "" {
		d.skip(c, "version ranges are not read: "+cut(vers, maxName))
		return nil
	}
	if status == "unaffected" && c.Status != plimsoll.StatusFixed {
		c.Status = plimsoll.StatusNotAffected
		c.Reason = joined(c.Reason, "version is unaffected")
	}
	target := &c.Product.PURL
	if c.Product.Component != "" {
		target = &c.Product.Component
	}
	if p, err := purl.Parse(*target); err == nil {
		p.Version = version
		*target = p.String()
		return d.claim(c)
	}
	d.skip(c, "the component has versions, but no package URL")
	return nil
}

// cycloneDXStatus reads vulnerabilities[].analysis.state; word is what the status does not say.
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

// cycloneDXJustification turns nine words into five; docs/vex.md has the table.
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
