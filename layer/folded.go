package layer

import "plimsoll"

// Folded is what is visible in an image after all its layers were applied. Paths of visible
// things are where they stand in the image, symbolic links resolved.
type Folded struct {
	// Release is what /etc/os-release says, else /usr/lib/os-release; nil if there is none.
	Release *plimsoll.OSRelease

	Packages []OSPackage            // by path, then as in the database
	Language []LanguageFile         // by layer, then path
	Accounts []plimsoll.AccountFile // etc/passwd, shadow, group, gshadow, under these names
	Configs  []plimsoll.ConfigFile  // by path
	Modes    []plimsoll.FileMode    // by path

	// Malware and Secrets are of every layer, bottom first, with the diff ID of the layer.
	// Shadowed ones keep the path of the archive.
	Malware []plimsoll.Malware
	Secrets []plimsoll.Secret

	Files plimsoll.FileFacts // visible regular files

	// Failures are the places where an analyzer could not look and that are still visible.
	Failures []Failure
}

// OSPackage is a package of a visible operating system database.
type OSPackage struct {
	plimsoll.Package
	Format plimsoll.PackageFormat

	// Layer is the index of the layer, bottom = 0, since which the package has been in every
	// version of the database.
	Layer int
	Path  string // of the database
}

// LanguageFile is a visible file that names packages of a language.
type LanguageFile struct {
	plimsoll.PackageFile
	Layer int // index of the layer that brought the file, bottom = 0
}

// Failure is a FileFailure with who failed and where.
type Failure struct {
	plimsoll.FileFailure
	Analyzer string          // "" = the fold itself
	Layer    plimsoll.Digest // diff ID; "" = the fold itself
}
