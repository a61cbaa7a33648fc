package packages

import (
	"bytes"
	"slices"

	"plimsoll"
	"plimsoll/analyze/packages/owned"
)

// ownerID identifies a package of the system.
type ownerID struct {
	format plimsoll.PackageFormat
	name   string
}

// setOwners sets the owner of each file of a language that a package of the system installed and nobody changed, and
// removes the lock files among them: they document the package, and what they name was never installed.
//
// A record of any layer counts, visible or not, if its package is still installed: a package manager rewrites its
// database in later layers, and tools that compose images put files and databases into different ones.
func (f *folder) setOwners() {
	system := map[ownerID]SystemPackage{}
	for _, p := range f.out.System {
		system[ownerID{p.Format, p.Name}] = p
	}
	if len(system) == 0 {
		return
	}
	wanted := map[string][]int{} // indexes of Language, by path in the form of records
	for i, file := range f.out.Language {
		if len(file.Sums) > 0 {
			path := owned.NormalizePath(file.Path)
			wanted[path] = append(wanted[path], i)
		}
	}
	for _, r := range f.View.Reports() {
		for _, group := range r.Owned {
			id := ownerID{group.Format, group.Package}
			p, installed := system[id]
			if !installed {
				continue
			}
			for _, record := range group.Files {
				for _, i := range wanted[record.Path] {
					file := &f.out.Language[i]
					if sum := owned.PrefixOf(file.Sums, group.Algorithm); sum != nil && bytes.Equal(sum, record.Sum) {
						file.Owner = f.ownerOf(id, p)
					}
				}
			}
		}
	}
	f.out.Language = slices.DeleteFunc(f.out.Language, func(file LanguageFile) bool {
		return file.LowConfidence && file.Owner != (plimsoll.Owner{})
	})
}

// ownerOf returns a package of the system as an owner.
func (f *folder) ownerOf(id ownerID, p SystemPackage) plimsoll.Owner {
	complete := Complete(p.Package, p.Format, f.out.Release)
	return plimsoll.Owner{
		Ecosystem: complete.Ecosystem, Name: complete.Name, Source: complete.AdvisoryName(),
		OtherVendor: f.ownVendor && f.otherVendors[id],
	}
}

// release identifies a version of a package of a language.
type release struct{ ecosystem, name, version string }

// dropConfirmed removes from lock files the packages that an installed file confirms: they are just the installed ones.
func (f *folder) dropConfirmed() {
	installed := map[release]bool{}
	for _, file := range f.out.Language {
		if !file.LowConfidence {
			for _, p := range file.Packages {
				installed[release{p.Ecosystem, p.Name, p.Version}] = true
			}
		}
	}
	for i := range f.out.Language {
		if file := &f.out.Language[i]; file.LowConfidence {
			file.Packages = slices.DeleteFunc(slices.Clone(file.Packages), func(p plimsoll.Package) bool {
				return installed[release{p.Ecosystem, p.Name, p.Version}]
			})
		}
	}
}
