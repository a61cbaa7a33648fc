package plimsoll

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// RegistryKind is the product behind a registry, which decides the origin of its images.
type RegistryKind string

// The kinds of registry.
const (
	RegistrySWRPrivate    RegistryKind = "swr-private"
	RegistrySWRShared     RegistryKind = "swr-shared"
	RegistrySWREnterprise RegistryKind = "swr-enterprise"
	RegistryHarbor        RegistryKind = "harbor"
	RegistryJfrog         RegistryKind = "jfrog"
	RegistryOther         RegistryKind = "other"
)

// RegistryKinds lists every kind.
func RegistryKinds() []RegistryKind {
	return []RegistryKind{
		RegistryOther, RegistryHarbor, RegistryJfrog,
		RegistrySWRPrivate, RegistrySWRShared, RegistrySWREnterprise,
	}
}

// Origin returns the origin of the images in a registry of this kind.
func (k RegistryKind) Origin() Origin {
	switch k {
	case RegistrySWRShared:
		return OriginShared
	case RegistrySWREnterprise:
		return OriginInstance
	default:
		return OriginPrivate
	}
}

// Registry is a source of images.
type Registry struct {
	ID int64 `json:"id"`
	Tenant
	Name string       `json:"name"` // unique in the project
	URL  string       `json:"url"`  // scheme and host, no path
	Kind RegistryKind `json:"kind"`

	// Username is empty for anonymous access. The secret is sealed and never leaves the store readable.
	Username     string `json:"username,omitempty"`
	SealedSecret []byte `json:"-"`

	// AuthHosts are the host:port of token realms that may be sent the credentials, besides the registry itself.
	AuthHosts []string `json:"auth_hosts,omitempty"`

	// Repositories are read instead of the catalog where it is refused; nil asks the catalog.
	Repositories []string `json:"repositories,omitempty"`

	ScanOnSync bool `json:"scan_on_sync"`

	// SharedBytes: an administrator confirms that every project may reuse layer reports of this registry's layers.
	SharedBytes bool `json:"shared_bytes"`

	InstanceID   string    `json:"instance_id,omitempty"`
	InstanceName string    `json:"instance_name,omitempty"`
	InstanceURL  string    `json:"instance_url,omitempty"`
	Owner        string    `json:"owner,omitempty"`
	ShareExpires time.Time `json:"share_expires,omitzero"`

	CreatedAt time.Time `json:"created_at"`

	// LastSync is the newest finished sync, according to its task; nil before the first.
	LastSync *SyncOutcome `json:"last_sync,omitempty"`
}

// SealedFor is the additional data that the secret is sealed with: the registry and its host, so that
// a row that is edited to point elsewhere cannot use it.
func (r Registry) SealedFor() []byte {
	host := r.URL
	if u, err := url.Parse(r.URL); err == nil {
		host = u.Host
	}
	return fmt.Appendf(nil, "registry %d %s", r.ID, host)
}

// ParseRegistryURL checks the address of a registry, http(s)://host[:port], and returns it in lower case. An address with
// a user, a path or a query is Invalid. Errors do not repeat the address: it may contain a password.
func ParseRegistryURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	var reason string
	switch {
	case err != nil || u.Opaque != "":
		reason = "it is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		reason = "it has no such scheme"
	case u.User != nil:
		reason = "it contains a user name"
	case u.Hostname() == "" || !ValidPort(u.Port()) || strings.HasSuffix(u.Host, ":"):
		reason = "it has no valid host and port"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		reason = "it has a path or a query"
	default:
		return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}, nil
	}
	return nil, Errorf(Invalid, "the registry address is not http(s)://host[:port]: %s", reason).
		WithHint("give repositories with --repository, and the user with --username")
}

// ValidPort reports whether port is a TCP port, or empty for the default port of a scheme.
func ValidPort(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// SyncOutcome is how a sync of one registry ended.
type SyncOutcome struct {
	At      time.Time   `json:"at"`
	Failure FailureCode `json:"failure,omitempty"`
	Detail  string      `json:"detail,omitempty"`
}

// Credential authenticates to a registry. It is passed by value and never stored or logged.
type Credential struct {
	Username string
	Secret   string
}

// RegistrySpec is a registry to be added.
type RegistrySpec struct {
	Registry
	Secret string `json:"secret,omitempty"`
}
