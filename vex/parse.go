package vex

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"plimsoll"
)

// The formats, as Document.Format names them.
const (
	FormatOpenVEX   = "OpenVEX"
	FormatCSAF      = "CSAF"
	FormatCycloneDX = "CycloneDX"
)

// MaxBytes bounds the size of a document. The largest that vendors publish have a few MB.
const MaxBytes = 32 << 20

const (
	maxClaims = 100_000 // pairs of vulnerability and product
	maxDepth  = 64      // of branches, components and any JSON in a document
	maxText   = 4096    // bytes of a reason
	maxName   = 512     // bytes of an id, an author or a product
)

// Document is a parsed VEX document, independent of its format.
type Document struct {
	plimsoll.VEXDocument
	Format string

	Statements int     // number of statements in the document
	Claims     []Claim // one per vulnerability and product

	// Skipped are statements that could not be understood, with the reason.
	Skipped []plimsoll.UnknownProduct
}

// Claim is the status of one vulnerability in one product.
type Claim struct {
	Vulnerability string
	Product       Product
	Status        plimsoll.DecisionStatus
	Justification plimsoll.Justification
	Reason        string
	Time          time.Time // of the statement; of two claims the later one wins
}

// Product is the product of a claim.
type Product struct {
	Name      string          // as written in the document, for people
	PURL      string          // package URL; "" if none
	Digest    plimsoll.Digest // SHA-256 of the product by the document; "" if none
	Component string          // package URL of the affected component; "" = the whole product
	Platform  bool            // the product is a platform with a name only ("Enterprise Linux 9"), for which the component was built
}

// Parse reads a document in any of the formats, which it detects. Errors are Invalid, TooLarge
// for a document beyond the bounds, and Unavailable if r fails.
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

// checkDepth bounds the nesting, because later steps recurse.
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

// addClaim adds a claim, or adds it to Skipped if it is incomplete. TooLarge beyond maxClaims.
func (d *Document) addClaim(c Claim) error {
	c.Reason = truncate(c.Reason, maxText)
	c.Product.Name = truncate(c.Product.Name, maxName)
	switch {
	case len(d.Claims)+len(d.Skipped) >= maxClaims:
		return plimsoll.Errorf(plimsoll.TooLarge, "the VEX document has more than %d statements about products", maxClaims)
	case c.Vulnerability == "":
		d.addSkipped(c, "the statement names no vulnerability")
	case c.Status == "":
		d.addSkipped(c, "the status is not a VEX status")
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

// checkHeader refuses a document without an id or a time: they are needed to replace it by a
// later one.
func (d *Document) checkHeader() error {
	d.Author, d.Version = truncate(d.Author, maxName), truncate(d.Version, maxName)
	switch {
	case d.ID == "" || len(d.ID) > maxName:
		return plimsoll.Errorf(plimsoll.Invalid, "the %s document has no id, or one of more than %d bytes", d.Format, maxName)
	case d.Time.IsZero():
		return plimsoll.Errorf(plimsoll.Invalid, "the %s document has no time", d.Format)
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

// parseTime parses an RFC 3339 time; the zero time if s is not one.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// firstValidTime returns the first of the times that is valid, else fallback.
func firstValidTime(fallback time.Time, times ...string) time.Time {
	for _, s := range times {
		if t := parseTime(s); !t.IsZero() {
			return t
		}
	}
	return fallback
}

// preferredID returns the first CVE of the ids, else the first id: most advisories use the CVE.
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

// parseJustification returns one of the five VEX justifications; "" for any other word.
func parseJustification(word string) plimsoll.Justification {
	for _, j := range plimsoll.Justifications() {
		if string(j) == word {
			return j
		}
	}
	return ""
}

// digestSuffix returns the digest at the end of an identifier or image reference; "" if none.
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

// parseSHA256 makes a digest from 64 hex digits; "" for any other string.
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
