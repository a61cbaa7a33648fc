package feed

import (
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"plimsoll"
)

// Kind is the format of a feed's upstream.
type Kind int

// The kinds.
const (
	KindOSV  Kind = iota // one folder per ecosystem, with all.zip, modified_id.csv and one file per record
	KindDump             // one zip of OSV records
	KindKEV              // CISA's catalogue, JSON
	KindEPSS             // EPSS scores, CSV, usually gzipped
)

// Default upstreams. The layout of the bucket is described at
// https://google.github.io/osv.dev/data/, the catalogue at
// https://www.cisa.gov/known-exploited-vulnerabilities-catalog, the scores at
// https://www.first.org/epss/data_stats.
const (
	PublicBucket = "https://osv-vulnerabilities.storage.googleapis.com"

	kevAddress       = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	epssAddress      = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
	maliciousAddress = "https://github.com/ossf/malicious-packages/archive/refs/heads/main.zip"
)

// namedFeeds are the feeds that are not ecosystems of the OSV bucket.
var namedFeeds = map[string]struct {
	kind    Kind
	address string
}{
	"kev":                {KindKEV, kevAddress},
	"epss":               {KindEPSS, epssAddress},
	"malicious-packages": {KindDump, maliciousAddress},
}

// Feed is one feed with its upstreams, which are tried in order.
type Feed struct {
	Name      string
	Kind      Kind
	Upstreams []string // http(s) addresses or absolute paths, of the bucket (KindOSV) or of the file (other kinds)
}

// Parse reads the setting that lists feeds. An entry is the name of a feed: an OSV ecosystem
// ("Debian"), "kev", "epss" or "malicious-packages"; or NAME=ADDRESS for a feed with its own
// upstream, a zip unless the name is kev or epss. Several entries with one name give one feed
// with several upstreams. Ecosystems are read from the buckets; none = PublicBucket.
func Parse(entries, buckets []string) ([]Feed, error) {
	if len(buckets) == 0 {
		buckets = []string{PublicBucket}
	}
	for _, b := range buckets {
		if err := checkAddress(b); err != nil {
			return nil, err
		}
	}
	var out []Feed
	for _, entry := range entries {
		name, address, hasAddress := strings.Cut(entry, "=")
		if err := checkName(name); err != nil {
			return nil, err
		}
		special, isKnown := namedFeeds[name]
		f := Feed{Name: name, Kind: special.kind, Upstreams: []string{special.address}}
		switch {
		case hasAddress:
			if err := checkAddress(address); err != nil {
				return nil, err
			}
			f.Upstreams = []string{address}
			if !isKnown {
				f.Kind = KindDump
			}
		case !isKnown:
			f.Kind, f.Upstreams = KindOSV, buckets
		}
		at := slices.IndexFunc(out, func(o Feed) bool { return o.Name == name })
		switch {
		case at < 0:
			out = append(out, f)
		case out[at].Kind == KindOSV || f.Kind == KindOSV:
			return nil, plimsoll.Errorf(plimsoll.Invalid, "feeds: %.80q is listed twice", name)
		default:
			out[at].Upstreams = append(out[at].Upstreams, f.Upstreams...)
		}
	}
	return out, nil
}

func checkName(name string) error {
	if name == "" || len(name) > 128 || strings.HasPrefix(name, ".") || strings.ContainsFunc(name, func(r rune) bool {
		return r < ' ' || r > '~' || strings.ContainsRune(`/\?#%`, r)
	}) {
		return plimsoll.Errorf(plimsoll.Invalid, "feeds: %.80q is not a valid name of a feed", name).
			WithHint("name an ecosystem of OSV, kev, epss or malicious-packages; or write NAME=ADDRESS")
	}
	return nil
}

// checkAddress accepts http and https addresses without credentials, and absolute paths.
func checkAddress(address string) error {
	if filepath.IsAbs(address) {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return plimsoll.Errorf(plimsoll.Invalid, "feeds: %.200q is neither an http(s) address without a password nor an absolute path", address)
	}
	return nil
}

// bucketFile returns the address of a file in a bucket.
func bucketFile(bucket string, elem ...string) string {
	if filepath.IsAbs(bucket) {
		return filepath.Join(append([]string{bucket}, elem...)...)
	}
	for i := range elem {
		elem[i] = url.PathEscape(elem[i])
	}
	return strings.TrimRight(bucket, "/") + "/" + strings.Join(elem, "/")
}
