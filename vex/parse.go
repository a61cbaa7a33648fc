package vex

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"plimsoll"
)

// The formats.
const (
	FormatOpenVEX   = "OpenVEX"
	FormatCSAF      = "CSAF"
	FormatCycloneDX = "CycloneDX"
)

// MaxBytes bounds a document. The largest that vendors publish take a few MB.
const MaxBytes = 32 << 20

const (
	maxClaims = 100_000 // pairs of vulnerability and product
	maxDepth  = 64      // of branches, components and any JSON in a document
	maxText   = 4096    // bytes of a reason
	maxName   = 512     // bytes of an id, an author or a product
)

// Document is what a VEX document says, whatever its format.
type Document struct {
	plimsoll.VEXDocument
	Format string

	// Statements is how many the document makes, Claims what they say product by product.
	Statements int
	Claims     []Claim

	// Skipped are statements that could not be understood.
	Skipped []plimsoll.UnknownProduct
}

// Claim is what a document says about one vulnerability in one product.
type Claim struct {
	Vulnerability string
	Product       Product
	Status        plimsoll.DecisionStatus
	Justification plimsoll.Justification
	Reason        string
	Time          time.Time // of the statement; a later one counts more
}

// Product is what a claim is about.
type Product struct {
	Name      string          // as the document writes it, for people
	PURL      string          // package URL, "" if none
	Digest    plimsoll.Digest // a SHA-256 that it is said to have, "" if none
	Component string          // package URL of the part of the product that is meant, "" = the whole
	Platform  bool            // the product is known by name only, as what the component was built for
}

// Parse reads a document of any of the formats.
func Parse(r io.Reader) (*Document, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "read the VEX document: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "the VEX document is larger than %d bytes", MaxBytes)
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if err := checkDepth(raw); err != nil {
		return nil, err
	}
	var head struct {
		Context   json.RawMessage `json:"@context"`
		BOMFormat string          `json:"bomFormat"`
		Document  json.RawMessage `json:"document"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, malformedError("VEX", err)
	}
	switch {
	case head.BOMFormat != "":
		return parseCycloneDX(raw)
	case len(head.Document) > 0:
		return parseCSAF(raw)
	case bytes.Contains(head.Context, []byte("openvex")):
		return parseOpenVEX(raw)
	default:
		return nil, plimsoll.Errorf(plimsoll.Invalid, "this is neither OpenVEX nor CSAF nor CycloneDX").
			WithHint("a VEX document is JSON with a member @context, document or bomFormat")
	}
}

func malformedError(format string, err error) error {
	return plimsoll.Errorf(plimsoll.Invalid, "not a well-formed %s document: %w", format, err)
}

// checkDepth bounds the nesting before anything recurses over it.
func checkDepth(raw []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return plimsoll.Errorf(plimsoll.TooLarge, "the VEX document is nested deeper than %d", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// addClaim adds a claim, or notes why it is none.
func (d *Document) addClaim(c Claim) error {
	c.Reason = truncate(c.Reason, maxText)
	c.Product.Name = truncate(c.Product.Name, maxName)
	switch {
	case len(d.Claims)+len(d.Skipped) >= maxClaims:
		return plimsoll.Errorf(plimsoll.TooLarge, "the VEX document says more than %d things", maxClaims)
	case c.Vulnerability == "":
		d.addSkipped(c, "the statement names no vulnerability")
	case c.Status == "":
		d.addSkipped(c, "the status is none of VEX")
	case c.Status == plimsoll.StatusNotAffected && c.Justification == "" && c.Reason == "":
		d.addSkipped(c, "not affected, but neither a justification nor an impact statement says why")
	default:
		if c.Status != plimsoll.StatusNotAffected {
			c.Justification = ""
		}
		d.Claims = append(d.Claims, c)
	}
	return nil
}

func (d *Document) addSkipped(c Claim, reason string) {
	d.Skipped = append(d.Skipped, plimsoll.UnknownProduct{Vulnerability: truncate(c.Vulnerability, maxName), Product: c.Product.Name, Reason: reason})
}

// checkHeader refuses a document that could not be told from others.
func (d *Document) checkHeader() error {
	d.Author, d.Version = truncate(d.Author, maxName), truncate(d.Version, maxName)
	switch {
	case d.ID == "" || len(d.ID) > maxName:
		return plimsoll.Errorf(plimsoll.Invalid, "the %s document has no id, or one of more than %d bytes", d.Format, maxName)
	case d.Time.IsZero():
		return plimsoll.Errorf(plimsoll.Invalid, "the %s document says not when it was written", d.Format)
	default:
		return nil
	}
}

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "")
}

// parseTime reads RFC 3339; the zero time for anything else.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// firstValidTime is the first of some times that can be read, else another one.
func firstValidTime(fallback time.Time, times ...string) time.Time {
	for _, s := range times {
		if t := parseTime(s); !t.IsZero() {
			return t
		}
	}
	return fallback
}

// preferredID is the id of a vulnerability that most advisories know: the first CVE, else the first.
func preferredID(ids ...string) string {
	best := ""
	for _, id := range ids {
		id = plimsoll.FindingID(strings.TrimSpace(id))
		if plimsoll.IsCVE(id) {
			return id
		}
		if best == "" {
			best = id
		}
	}
	return best
}

// parseJustification reads one of the five words; "" for any other.
func parseJustification(word string) plimsoll.Justification {
	for _, j := range plimsoll.Justifications() {
		if string(j) == word {
			return j
		}
	}
	return ""
}

// digestSuffix finds the digest of an artifact at the end of an identifier or reference.
func digestSuffix(s string) plimsoll.Digest {
	at := strings.LastIndex(s, "sha256:")
	if at < 0 {
		return ""
	}
	d, err := plimsoll.ParseDigest(s[at:])
	if err != nil {
		return ""
	}
	return d
}

// parseSHA256 reads hex digits.
func parseSHA256(hex string) plimsoll.Digest {
	d, err := plimsoll.ParseDigest("sha256:" + strings.ToLower(hex))
	if err != nil {
		return ""
	}
	return d
}

func joinNonEmpty(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "; ")
}
