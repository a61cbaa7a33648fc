package packages

import (
	"maps"
	"slices"
	"strings"
)

// vendorList has who made the packages of a database, by name of the package. The values of byMajority and byMaintainer
// are ownVendor and otherVendor.
type vendorList map[string]string

const (
	ownVendor   = "own"
	otherVendor = "other"
)

// byMajority classifies the vendors of rpm headers: the distribution is the vendor of most packages. A package without a
// vendor, such as a public key, is not classified.
func (v vendorList) byMajority() vendorList {
	count := map[string]int{}
	for _, vendor := range v {
		count[vendor]++
	}
	most := ""
	for _, vendor := range slices.Sorted(maps.Keys(count)) {
		if count[vendor] > count[most] {
			most = vendor
		}
	}
	return v.classify(func(vendor string) bool { return vendor == most })
}

// dpkgDomains are the domains of the mail addresses of distributions that use dpkg. Their maintainers also use private
// addresses.
var dpkgDomains = [...]string{"debian.org", "ubuntu.com", "canonical.com", "openkylin.top", "kylinos.cn"}

// byMaintainer classifies the maintainers of dpkg's records, "Name <address>".
func (v vendorList) byMaintainer() vendorList {
	return v.classify(func(maintainer string) bool {
		_, domain, _ := strings.Cut(maintainer, "@")
		domain, _, _ = strings.Cut(strings.ToLower(domain), ">")
		return slices.ContainsFunc(dpkgDomains[:], func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) })
	})
}

func (v vendorList) classify(own func(vendor string) bool) vendorList {
	out := make(vendorList, len(v))
	for name, vendor := range v {
		out[name] = otherVendor
		if own(vendor) {
			out[name] = ownVendor
		}
	}
	return out
}

// others returns the names of packages of other vendors, sorted, and whether any is of the distribution.
func (v vendorList) others() (names []string, own bool) {
	for name, vendor := range v {
		if vendor == otherVendor {
			names = append(names, name)
		}
		own = own || vendor == ownVendor
	}
	slices.Sort(names)
	return names, own
}
