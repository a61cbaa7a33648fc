package vex

import (
	"net/url"
	"slices"
	"strings"

	"plimsoll"
)

// Digests are those that the document names, for KnownProducts to be asked about.
func (d *Document) Digests() []plimsoll.Digest {
	var out []plimsoll.Digest
	for _, c := range d.Claims {
		for _, digest := range []plimsoll.Digest{c.Product.Digest, digestOfPURL(c.Product.PURL)} {
			if digest != "" {
				out = append(out, digest)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func digestOfPURL(s string) plimsoll.Digest {
	p, err := plimsoll.ParsePURL(s)
	if err != nil || !isImagePURL(p) {
		return ""
	}
	return digestSuffix(p.Version)
}

func isImagePURL(p plimsoll.PURL) bool { return p.Type == "oci" || p.Type == "docker" }

// Decisions turns what the document says into decisions without a tenant, and tells the
// products that nothing known answers to. Of several claims about one thing the latest
// counts, of two of one time the one that stands later in the document.
func (d *Document) Decisions(known plimsoll.KnownProducts) (decisions []plimsoll.Decision, unknown []plimsoll.UnknownProduct) {
	unknown = append([]plimsoll.UnknownProduct{}, d.Skipped...)
	claims := slices.Clone(d.Claims)
	slices.SortStableFunc(claims, func(a, b Claim) int { return a.Time.Compare(b.Time) })
	at := map[string]int{} // by fingerprint
	for _, c := range claims {
		scopes, reason := findScopes(c.Product, known)
		for _, scope := range scopes {
			dec := plimsoll.Decision{
				ProjectID: "x", Kind: plimsoll.FindingVulnerability, Finding: c.Vulnerability, Scope: scope, Document: d.ID,
				Status: c.Status, Justification: c.Justification, Reason: c.Reason, Author: d.Author,
			}
			if err := dec.Validate(); err != nil {
				reason = err.Error()
				break
			}
			dec.ProjectID = ""
			key := dec.Fingerprint()
			if i, again := at[key]; again {
				decisions[i] = dec
				continue
			}
			at[key] = len(decisions)
			decisions = append(decisions, dec)
		}
		if reason != "" {
			unknown = append(unknown, plimsoll.UnknownProduct{Vulnerability: truncate(c.Vulnerability, maxName), Product: c.Product.Name, Reason: reason})
		}
	}
	return decisions, unknown
}

// Why a product became no decision.
const (
	reasonDigest     = "no image here has this digest"
	reasonRepository = "no such repository here"
	reasonPlatform   = "what the component was built for is not known here"
	reasonNested     = "a component inside a package cannot be told apart"
	reasonNothing    = "the product has neither a package URL nor a digest"
)

// findScopes finds where a claim holds; reason says why nowhere.
func findScopes(p Product, known plimsoll.KnownProducts) (scopes []plimsoll.DecisionScope, reason string) {
	if p.Digest != "" && known.Digests[p.Digest] {
		return []plimsoll.DecisionScope{{Digest: p.Digest, Package: p.Component}}, ""
	}
	if p.Platform {
		return platformScope(p)
	}
	u, err := plimsoll.ParsePURL(p.PURL)
	switch {
	case err != nil && p.Digest != "":
		return nil, reasonDigest
	case err != nil:
		return nil, reasonNothing
	case !isImagePURL(u) && p.Component != "":
		return nil, reasonNested
	case !isImagePURL(u):
		return []plimsoll.DecisionScope{{Package: p.PURL}}, ""
	}
	if digest := digestSuffix(u.Version); digest != "" {
		if !known.Digests[digest] {
			return nil, reasonDigest
		}
		return []plimsoll.DecisionScope{{Digest: digest, Package: p.Component}}, ""
	}
	host, path, tag := repositoryOfPURL(u)
	for _, r := range known.Repositories {
		if sameRepository(r, host, path) {
			scopes = append(scopes, plimsoll.DecisionScope{RegistryID: r.RegistryID, Repository: r.Path, Tag: tag, Package: p.Component})
		}
	}
	if len(scopes) == 0 {
		reason = reasonRepository
	}
	return scopes, reason
}

// platformScope is for a component of a product that has a name only: "openssl in
// Enterprise Linux 9". One with a version is that build wherever it is; one without may be
// affected in another product, so it is told, not guessed.
func platformScope(p Product) ([]plimsoll.DecisionScope, string) {
	u, err := plimsoll.ParsePURL(p.Component)
	if err != nil || isImagePURL(u) || u.Version == "" {
		return nil, reasonPlatform
	}
	return []plimsoll.DecisionScope{{Package: p.Component}}, ""
}

// repositoryOfPURL reads where an image stands. An oci URL names the repository by its last
// segment and, in repository_url, whole; a docker URL by its path. host "" is any.
func repositoryOfPURL(u plimsoll.PURL) (host, path, tag string) {
	address := u.Qualifiers["repository_url"]
	if u.Type == "docker" {
		if host = addressHost(address); host == "" {
			host = dockerHub
		}
		return host, strings.TrimPrefix(u.Namespace+"/"+u.Name, "/"), u.Version
	}
	tag = u.Qualifiers["tag"]
	if address == "" {
		return "", u.Name, tag
	}
	host, path, _ = strings.Cut(strings.TrimRight(withoutScheme(address), "/"), "/")
	if path == "" {
		path = u.Name
	}
	return host, path, tag
}

const dockerHub = "docker.io"

func withoutScheme(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		return rest
	}
	return address
}

func addressHost(address string) string {
	host, _, _ := strings.Cut(withoutScheme(address), "/")
	return host
}

// sameRepository compares hosts without regard to case and Docker Hub's several names. A
// path of one segment without a host is the last segment of any repository.
func sameRepository(r plimsoll.KnownRepository, host, path string) bool {
	if host == "" {
		return strings.ToLower(r.Path[strings.LastIndexByte(r.Path, '/')+1:]) == path
	}
	have := r.URL
	if u, err := url.Parse(r.URL); err == nil && u.Host != "" {
		have = u.Host
	}
	if canonicalHost(have) != canonicalHost(host) {
		return false
	}
	return r.Path == path || (canonicalHost(host) == dockerHub && r.Path == "library/"+path)
}

func canonicalHost(host string) string {
	switch host = strings.ToLower(host); host {
	case "index.docker.io", "registry-1.docker.io":
		return dockerHub
	default:
		return host
	}
}
