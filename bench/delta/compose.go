package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"plimsoll"
)

// fleetSizes are the numbers of images and sets.
type fleetSizes struct{ images, osSets, languageSets int }

// fleet is images and their package sets.
type fleet struct {
	fleetSizes
	sets    []plimsoll.PackageSet
	images  [][]int                      // per image the indexes of its sets, the operating system's first
	hotSets map[plimsoll.AdvisoryKey]int // number of sets with a hot package
}

func (f *fleet) String() string {
	var out strings.Builder
	packages := 0
	for _, s := range f.sets {
		packages += len(s.Packages)
	}
	fmt.Fprintf(&out, "%d images, %d sets (%d of operating systems), %d packages in them;", len(f.images), len(f.sets), f.osSets, packages)
	for _, k := range hotPackages {
		of := f.languageSets
		if k.Ecosystem == "Debian" {
			of = f.osSets
		}
		fmt.Fprintf(&out, " %s %d%%", k.Name, 100*f.hotSets[k]/of)
	}
	return out.String() + " of the sets of their kind"
}

// fleetComposer draws a random fleet, the same one in every run.
type fleetComposer struct {
	*dumpCorpus
	*rand.Rand
	debian, others []string // ecosystems with enough packages
}

func composeFleet(c *dumpCorpus, n fleetSizes) *fleet {
	d := &fleetComposer{dumpCorpus: c, Rand: rand.New(rand.NewPCG(20, 26))} //nolint:gosec // the same in every run
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
	f := &fleet{fleetSizes: n, hotSets: map[plimsoll.AdvisoryKey]int{}}
	for range n.osSets {
		f.addSet(plimsoll.NewPackageSet(plimsoll.SetOS, d.drawSystemSet()))
	}
	for range n.languageSets {
		f.addSet(plimsoll.NewPackageSet(plimsoll.SetLanguage, d.drawLanguageSet()))
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

func (f *fleet) addSet(s plimsoll.PackageSet) {
	f.sets = append(f.sets, s)
	for _, k := range hotPackages {
		if slices.ContainsFunc(s.Packages, func(p plimsoll.Package) bool {
			return k == plimsoll.NewAdvisoryKey(p.Ecosystem, p.AdvisoryName()) || k == plimsoll.NewAdvisoryKey(p.Ecosystem, p.Name)
		}) {
			f.hotSets[k]++
		}
	}
}

// drawSystemSet draws the packages of an operating system: Debian in two of three cases.
func (d *fleetComposer) drawSystemSet() []plimsoll.Package {
	if d.IntN(3) == 0 {
		return d.drawPackages(d.others[d.IntN(len(d.others))], 80+d.IntN(120))
	}
	if d.IntN(2) == 0 {
		out := d.drawPackages(d.debian[d.IntN(len(d.debian))], 80+d.IntN(120))
		for _, name := range []string{"glibc", "openssl"} {
			if _, ok := d.pools[out[0].Ecosystem].versions[name]; ok {
				out = append(out, d.drawVersion(out[0].Ecosystem, name))
			}
		}
		return out
	}
	root := d.roots[d.IntN(len(d.roots))]
	out := d.drawPackages(root[0].Ecosystem, 40+d.IntN(80))
	for _, p := range root {
		if needed := p.AdvisoryName() == "glibc" || p.AdvisoryName() == "openssl"; needed || d.IntN(10) > 0 {
			out = append(out, p)
		}
	}
	has := slices.ContainsFunc(root, func(p plimsoll.Package) bool { return p.AdvisoryName() == "openssl" })
	if _, known := d.pools[root[0].Ecosystem].versions["openssl"]; known && !has {
		out = append(out, d.drawVersion(root[0].Ecosystem, "openssl"))
	}
	return out
}

// drawLanguageSet draws the language packages of a layer: Python in three of four cases.
func (d *fleetComposer) drawLanguageSet() []plimsoll.Package {
	if d.IntN(4) == 0 {
		return d.drawPackages([]string{"Go", "crates.io"}[d.IntN(2)], 5+d.IntN(35))
	}
	out := d.drawPackages("PyPI", 5+d.IntN(35))
	for _, k := range hotPackages {
		if k.Ecosystem == "PyPI" && d.IntN(10) > 0 {
			out = append(out, d.drawVersion("PyPI", k.Name))
		}
	}
	return out
}

// drawPackages draws at most n packages of an ecosystem, each in one version.
func (d *fleetComposer) drawPackages(ecosystem string, n int) []plimsoll.Package {
	names := d.pools[ecosystem].names
	chosen := map[string]bool{}
	out := make([]plimsoll.Package, 0, n+8)
	for range n {
		if name := names[d.IntN(len(names))]; !chosen[name] {
			chosen[name] = true
			out = append(out, d.drawVersion(ecosystem, name))
		}
	}
	return out
}

func (d *fleetComposer) drawVersion(ecosystem, name string) plimsoll.Package {
	versions := d.pools[ecosystem].versions[name]
	p := plimsoll.Package{Ecosystem: ecosystem, Name: name, Version: versions[d.IntN(len(versions))]}
	p.PURL = "pkg:generic/" + name + "@" + p.Version
	return p
}
