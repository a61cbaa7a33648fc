package vex

import (
	"net/url"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/purl"
)

// Digests returns the digests of products in the document, sorted, so that the caller can look
// up which of them are known.
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
	p, err := purl.Parse(s)
	if err != nil || !isImagePURL(p) {
		return ""
	}
	return digestSuffix(p.Version)
}

func isImagePURL(p purl.PackageURL) bool { return p.Type == "oci" || p.Type == "docker" }

// Decisions makes decisions, without a tenant, from the claims about known products. unknown
// are the skipped statements and the claims about products that are not known, each with the
// reason. Of several claims about the same finding and scope the latest wins; of those with
// the same time, the last in the document.
func (d *Document) Decisions(known plimsoll.KnownProducts) (decisions []plimsoll.Decision, unknown []plimsoll.UnknownProduct) {
	unknown = append([]plimsoll.UnknownProduct{}, d.Skipped...)
	claims := slices.Clone(d.Claims)
	slices.SortStableFunc(claims, func(a, b Claim) int { return a.Time.Compare(b.Time) })
	at := map[string]int{} // by fingerprint
	for _, c := range claims {
		scopes, reason := findScopes(c.Product, known)
		for _, scope := range scopes {
			dec := plimsoll.Decision{ // Validate needs a project; the caller sets the tenant
				Tenant: plimsoll.Tenant{ProjectID: "x"}, Kind: plimsoll.FindingVulnerability, Finding: c.Vulnerability, Scope: scope, Document: d.ID,
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

// Reasons why a claim did not become a decision.
const (
	reasonDigest     = "no known image has this digest"
	reasonRepository = "the repository is not known"
	reasonPlatform   = "the platform of the component is not known"
	reasonNested     = "components inside a package are not distinguished"
	reasonNothing    = "the product has neither a package URL nor a digest"
)

// findScopes returns the scopes that a claim about the product applies to, or the reason why
// there are none.
func findScopes(p Product, known plimsoll.KnownProducts) (scopes []plimsoll.DecisionScope, reason string) {
	if p.Digest != "" && known.Digests[p.Digest] {
		return []plimsoll.DecisionScope{{Digest: p.Digest, Package: p.Component}}, ""
	}
	if p.Platform {
		return platformScope(p)
	}
	u, err := purl.Parse(p.PURL)
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

// platformScope returns the scope of a component of a platform that has only a name: "openssl
// in Enterprise Linux 9". A component with a version is the same build everywhere. Without a
// version the status may differ on another platform, so the claim is reported as unknown.
func platformScope(p Product) ([]plimsoll.DecisionScope, string) {
	u, err := purl.Parse(p.Component)
	if err != nil || isImagePURL(u) || u.Version == "" {
		return nil, reasonPlatform
	}
	return []plimsoll.DecisionScope{{Package: p.Component}}, ""
}

// repositoryOfPURL returns the registry host, repository and tag of an image's package URL. An
// oci URL has the last segment of the repository as its name, and may have the full repository
// in repository_url; a docker URL has the path. An empty host matches any registry.
func repositoryOfPURL(u purl.PackageURL) (host, path, tag string) {
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

// sameRepository reports whether host and path are those of r. It ignores the case of hosts and
// accepts all names of Docker Hub. Without a host, path is compared with the last segment of
// the repository.
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
