package vex

import (
	"encoding/json"
	"slices"

	"plimsoll"
)

// csafDocument has the members of a CSAF 2.0 document that describe products and their status.
type csafDocument struct {
	Document struct {
		Category  string `json:"category"`
		Version   string `json:"csaf_version"`
		Publisher struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"publisher"`
		Tracking struct {
			ID      string `json:"id"`
			Version string `json:"version"`
			Current string `json:"current_release_date"`
		} `json:"tracking"`
	} `json:"document"`
	Tree struct {
		Branches      []csafBranch       `json:"branches"`
		Names         []csafProduct      `json:"full_product_names"`
		Groups        []csafGroup        `json:"product_groups"`
		Relationships []csafRelationship `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []csafVulnerability `json:"vulnerabilities"`
}

type csafBranch struct {
	Branches []csafBranch `json:"branches"`
	Product  *csafProduct `json:"product"`
}

type csafProduct struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		PURL   string `json:"purl"`
		Hashes []struct {
			FileHashes []struct {
				Algorithm string `json:"algorithm"`
				Value     string `json:"value"`
			} `json:"file_hashes"`
		} `json:"hashes"`
	} `json:"product_identification_helper"`
}

type csafGroup struct {
	ID       string   `json:"group_id"`
	Products []string `json:"product_ids"`
}

type csafRelationship struct {
	Category  string      `json:"category"`
	Component string      `json:"product_reference"`
	RelatesTo string      `json:"relates_to_product_reference"`
	Product   csafProduct `json:"full_product_name"`
}

type csafVulnerability struct {
	CVE string `json:"cve"`
	IDs []struct {
		Text string `json:"text"`
	} `json:"ids"`
	Status       map[string][]string `json:"product_status"`
	Flags        []csafNote          `json:"flags"`
	Threats      []csafNote          `json:"threats"`
	Remediations []csafNote          `json:"remediations"`
}

// csafNote is a flag, a threat or a remediation, with the products that it applies to.
type csafNote struct {
	Label    string   `json:"label"`    // of a flag
	Category string   `json:"category"` // of the others
	Details  string   `json:"details"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"`
}

// csafProductStatuses are the product statuses of section 3.2.3.9 that map to a VEX status,
// weakest first: a later one overrides an earlier one.
var csafProductStatuses = []struct {
	word   string
	status plimsoll.DecisionStatus
}{
	{"under_investigation", plimsoll.StatusUnderInvestigation},
	{"first_affected", plimsoll.StatusAffected},
	{"known_affected", plimsoll.StatusAffected},
	{"last_affected", plimsoll.StatusAffected},
	{"first_fixed", plimsoll.StatusFixed},
	{"fixed", plimsoll.StatusFixed},
	{"known_not_affected", plimsoll.StatusNotAffected},
}

func parseCSAF(raw []byte) (*Document, error) {
	var in csafDocument
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, malformedError(FormatCSAF, err)
	}
	head := in.Document
	switch {
	case head.Version != "2.0":
		return nil, plimsoll.Errorf(plimsoll.Invalid, "CSAF %.20q is not supported; 2.0 is", head.Version)
	case head.Category != "csaf_vex":
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the CSAF document is a %.60q, not a csaf_vex", head.Category)
	}
	d := &Document{Format: FormatCSAF}
	d.Author, d.Version, d.Time = head.Publisher.Name, head.Tracking.Version, parseTime(head.Tracking.Current)
	if head.Tracking.ID != "" {
		d.ID = head.Publisher.Namespace + "#" + head.Tracking.ID // unique per publisher only (3.2.1.12.4)
	}
	if err := d.checkHeader(); err != nil {
		return nil, err
	}
	products := in.products()
	groups := map[string][]string{}
	for _, g := range in.Tree.Groups {
		groups[g.ID] = append(groups[g.ID], g.Products...)
	}
	for _, v := range in.Vulnerabilities {
		if err := d.addCSAFVulnerability(v, products, groups); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// products returns the products of the product tree, by id.
func (c *csafDocument) products() map[string]Product {
	out := map[string]Product{}
	add := func(p csafProduct) { out[p.ID] = p.product() }
	var walk func([]csafBranch)
	walk = func(list []csafBranch) { // the depth is bounded by checkDepth
		for _, b := range list {
			if b.Product != nil {
				add(*b.Product)
			}
			walk(b.Branches)
		}
	}
	walk(c.Tree.Branches)
	for _, p := range c.Tree.Names {
		add(p)
	}
	for _, r := range c.Tree.Relationships {
		component, of := out[r.Component], out[r.RelatesTo]
		whole := Product{Name: r.Product.Name, PURL: of.PURL, Digest: of.Digest, Component: component.PURL}
		if whole.Component == "" {
			whole.Component = r.Product.Helper.PURL
		}
		whole.Platform = of.PURL == "" && of.Digest == ""
		out[r.Product.ID] = whole
	}
	return out
}

func (p csafProduct) product() Product {
	out := Product{Name: p.Name, PURL: p.Helper.PURL}
	for _, h := range p.Helper.Hashes {
		for _, f := range h.FileHashes {
			if f.Algorithm == "sha256" && out.Digest == "" {
				out.Digest = parseSHA256(f.Value)
			}
		}
	}
	return out
}

func (d *Document) addCSAFVulnerability(v csafVulnerability, products map[string]Product, groups map[string][]string) error {
	ids := []string{v.CVE}
	for _, id := range v.IDs {
		ids = append(ids, id.Text)
	}
	flags, impacts := textsByProduct(v.Flags, "", groups), textsByProduct(v.Threats, "impact", groups)
	for _, s := range csafProductStatuses {
		for _, id := range v.Status[s.word] {
			c := Claim{Vulnerability: preferredID(ids...), Status: s.status, Reason: joinNonEmpty(impacts[id]...), Time: d.Time}
			if c.Product = products[id]; c.Product.Name == "" {
				c.Product.Name = id
			}
			if i := slices.IndexFunc(flags[id], func(f string) bool { return parseJustification(f) != "" }); i >= 0 {
				c.Justification = parseJustification(flags[id][i])
			}
			d.Statements++
			if err := d.addClaim(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// textsByProduct returns the texts of the notes of a category by product id: the details, or the
// label if category is "".
func textsByProduct(notes []csafNote, category string, groups map[string][]string) map[string][]string {
	out := map[string][]string{}
	for _, n := range notes {
		if category != "" && n.Category != category {
			continue
		}
		text := n.Details
		if category == "" {
			text = n.Label
		}
		for _, id := range n.Products {
			out[id] = append(out[id], text)
		}
		for _, g := range n.Groups {
			for _, id := range groups[g] {
				out[id] = append(out[id], text)
			}
		}
	}
	return out
}
