package vex

import (
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/purl"
)

// Export is a decision with the products that it applies to, for WriteOpenVEX.
type Export struct {
	plimsoll.Decision
	Products []ExportProduct
}

// ExportProduct is an image, or a package in any image.
type ExportProduct struct {
	PURL       string   // of the image or package
	Components []string // package URLs of components of the image; none = the whole image
}

// ImagePURL returns the package URL of an artifact, of type oci in the purl specification. The
// digest or the tag may be empty.
func ImagePURL(registryURL, repository string, digest plimsoll.Digest, tag string) string {
	host := registryURL
	if u, err := url.Parse(registryURL); err == nil && u.Host != "" {
		host = u.Host
	}
	p := purl.PackageURL{
		Type: "oci", Name: strings.ToLower(repository[strings.LastIndexByte(repository, '/')+1:]), Version: string(digest),
		Qualifiers: map[string]string{"repository_url": host + "/" + repository},
	}
	if tag != "" {
		p.Qualifiers["tag"] = tag
	}
	return p.String()
}

const openVEXContext = "https://openvex.dev/ns/v0.2.0"

// WriteOpenVEX writes decisions as one OpenVEX 0.2.0 document. Decisions without products are
// left out. The document's id is a hash of its statements, so that the same decisions give the
// same document except for its time.
func WriteOpenVEX(w io.Writer, author string, now time.Time, list []Export) error {
	doc := openVEXDocument{Context: openVEXContext, Author: author, Timestamp: now.UTC().Format(time.RFC3339), Version: "1", Statements: []openVEXStatement{}}
	for _, e := range list {
		if len(e.Products) > 0 {
			doc.Statements = append(doc.Statements, newOpenVEXStatement(e))
		}
	}
	content, err := json.Marshal(doc.Statements)
	if err != nil {
		return err
	}
	doc.ID = "urn:plimsoll:vex:" + plimsoll.DigestOf(content).Hex()
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(doc)
}

func newOpenVEXStatement(e Export) openVEXStatement {
	s := openVEXStatement{
		Vulnerability: openVEXName{Name: e.Finding}, Timestamp: e.CreatedAt.UTC().Format(time.RFC3339),
		Status: string(e.Status), Justification: string(e.Justification),
	}
	switch e.Status {
	case plimsoll.StatusNotAffected:
		s.Impact = e.Reason
	case plimsoll.StatusIgnored, plimsoll.StatusAccepted:
		// VEX has no such status. The product is affected and nothing will be done; the
		// specification requires an action statement.
		s.Status = string(plimsoll.StatusAffected)
		s.Action = joinNonEmpty("No action: "+string(e.Status), e.Reason)
	case plimsoll.StatusAffected:
		if s.Action = e.Reason; s.Action == "" {
			s.Action = "No action is known yet."
		}
	default:
		s.Notes = e.Reason
	}
	for _, p := range e.Products {
		out := openVEXProduct{ID: p.PURL}
		for _, c := range slices.Compact(slices.Sorted(slices.Values(p.Components))) {
			out.Subcomponents = append(out.Subcomponents, openVEXProduct{ID: c})
		}
		s.Products = append(s.Products, out)
	}
	return s
}
