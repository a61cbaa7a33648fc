package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"plimsoll"
)

type sizes struct{ images, osSets, languageSets int }

// fleet is sets, and the sets that each image holds: the first is its operating system's.
type fleet struct {
	sizes
	sets   []plimsoll.PackageSet
	images [][]int
	shares map[plimsoll.AdvisoryKey]int // sets that hold a hot package
}

func (f *fleet) String() string {
	var out strings.Builder
	packages := 0
	for _, s := range f.sets {
		packages += len(s.Packages)
	}
	fmt.Fprintf(&out, "%d images, %d sets (%d of operating systems), %d packages in them;", len(f.images), len(f.sets), f.osSets, packages)
	for _, k := range hot {
		of := f.languageSets
		if k.Ecosystem == "Debian" {
			of = f.osSets
		}
		fmt.Fprintf(&out, " %s %d%%", k.Name, 100*f.shares[k]/of)
	}
	return out.String() + " of the sets of their kind"
}

// composer draws the same fleet every time.
type composer struct {
	*corpus
	*rand.Rand
	debian, others []string // ecosystems with enough packages
}

func compose(c *corpus, n sizes) *fleet {
	d := &composer{corpus: c, Rand: rand.New(rand.NewPCG(20, 26))} //nolint:gosec // the same every time
	for ecosystem, p := range c.pools {
		switch base := plimsoll.BaseEcosystem(ecosystem); {
		case len(p.names) < 60 || base == ecosystem:
		case base == "Debian":
			d.debian = append(d.debian, ecosystem)
		default:
			d.others = append(d.others, ecosystem)
		}
	}
	slices.Sort(d.debian)
	slices.Sort(d.others)
	f := &fleet{sizes: n, shares: map[plimsoll.AdvisoryKey]int{}}
	for range n.osSets {
		f.add(plimsoll.NewPackageSet(plimsoll.SetOS, d.system()))
	}
	for range n.languageSets {
		f.add(plimsoll.NewPackageSet(plimsoll.SetLanguage, d.language()))
	}
	for i := range n.images {
		a, b := 2*i%n.languageSets, d.IntN(n.languageSets)
		image := []int{i % n.osSets, n.osSets + a}
		if b != a {
			image = append(image, n.osSets+b)
		}
		f.images = append(f.images, image)
	}
	return f
}

func (f *fleet) add(s plimsoll.PackageSet) {
	f.sets = append(f.sets, s)
	for _, k := range hot {
		if slices.ContainsFunc(s.Packages, func(p plimsoll.Package) bool {
			return k == plimsoll.NewAdvisoryKey(p.Ecosystem, p.AdvisoryName()) || k == plimsoll.NewAdvisoryKey(p.Ecosystem, p.Name)
		}) {
			f.shares[k]++
		}
	}
}

// system draws the packages of an operating system: two in three are Debian's.
func (d *composer) system() []plimsoll.Package {
	if d.IntN(3) == 0 {
		return d.draw(d.others[d.IntN(len(d.others))], 80+d.IntN(120))
	}
	if d.IntN(2) == 0 {
		out := d.draw(d.debian[d.IntN(len(d.debian))], 80+d.IntN(120))
		for _, name := range []string{"glibc", "openssl"} {
			if _, ok := d.pools[out[0].Ecosystem].versions[name]; ok {
				out = append(out, d.version(out[0].Ecosystem, name))
			}
		}
		return out
	}
	root := d.roots[d.IntN(len(d.roots))]
	out := d.draw(root[0].Ecosystem, 40+d.IntN(80))
	for _, p := range root {
		if needed := p.AdvisoryName() == "glibc" || p.AdvisoryName() == "openssl"; needed || d.IntN(10) > 0 {
			out = append(out, p)
		}
	}
	has := slices.ContainsFunc(root, func(p plimsoll.Package) bool { return p.AdvisoryName() == "openssl" })
	if _, known := d.pools[root[0].Ecosystem].versions["openssl"]; known && !has {
		out = append(out, d.version(root[0].Ecosystem, "openssl"))
	}
	return out
}

// language draws the packages that a layer brings: three in four times with Python's.
func (d *composer) language() []plimsoll.Package {
	if d.IntN(4) == 0 {
		return d.draw([]string{"Go", "crates.io"}[d.IntN(2)], 5+d.IntN(35))
	}
	out := d.draw("PyPI", 5+d.IntN(35))
	for _, k := range hot {
		if k.Ecosystem == "PyPI" && d.IntN(10) > 0 {
			out = append(out, d.version("PyPI", k.Name))
		}
	}
	return out
}

// draw takes some packages of an ecosystem, each in one version.
func (d *composer) draw(ecosystem string, n int) []plimsoll.Package {
	names := d.pools[ecosystem].names
	chosen := map[string]bool{}
	out := make([]plimsoll.Package, 0, n+8)
	for range n {
		if name := names[d.IntN(len(names))]; !chosen[name] {
			chosen[name] = true
			out = append(out, d.version(ecosystem, name))
		}
	}
	return out
}

func (d *composer) version(ecosystem, name string) plimsoll.Package {
	versions := d.pools[ecosystem].versions[name]
	p := plimsoll.Package{Ecosystem: ecosystem, Name: name, Version: versions[d.IntN(len(versions))]}
	p.PURL = "pkg:generic/" + name + "@" + p.Version
	return p
}
