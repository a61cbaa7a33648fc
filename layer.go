package plimsoll

import "plimsoll/pathlist"

// AnalyzerID names an analyzer and the version of its output. The version is a constant that is
// raised when output changes, followed by the digest of the analyzer's rules if it has any.
type AnalyzerID struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// LayerReport is what one analyzer found in one layer. Its key is diff ID and analyzer.
// Paths are relative to the root of the image, slash-separated, without a leading slash.
type LayerReport struct {
	DiffID   Digest     `json:"diff_id"`
	Analyzer AnalyzerID `json:"analyzer"`

	// Failures are the places where the analyzer could not look. A report with failures is used
	// by its scan but not stored.
	Failures []FileFailure `json:"failures,omitempty"`

	Tree     *Tree         `json:"tree,omitempty"`
	Releases []OSRelease   `json:"releases,omitempty"`
	Packages []PackageFile `json:"packages,omitempty"`
	Owned    []OwnedFiles  `json:"owned,omitempty"`
	Accounts []AccountFile `json:"accounts,omitempty"`
	Configs  []ConfigFile  `json:"configs,omitempty"`
	Modes    []FileMode    `json:"modes,omitempty"`
	Malware  []Malware     `json:"malware,omitempty"`
	Secrets  []Secret      `json:"secrets,omitempty"`

	Findings []FileFinding `json:"findings,omitempty"` // of an analyzer without a type of its own

	// Hashes are the password hashes of the accounts until they are sealed; SealedHashes is their
	// stored form, apart from the report. Neither is part of the report's JSON.
	Hashes       []AccountHash `json:"-"`
	SealedHashes []byte        `json:"-"`
}

// FileFailure is a place where an analyzer could not look, and why.
type FileFailure struct {
	Path   string      `json:"path"`
	Code   FailureCode `json:"code"`
	Detail string      `json:"detail"`
}

// Tree is the shape of a layer.
type Tree struct {
	// Paths lists every path of the layer. The content of a directory directly follows it.
	Paths pathlist.List `json:"paths"`

	// Whiteouts are removed paths (OCI image layer specification, "Whiteouts"). An opaque one, which
	// removes the content of a directory, ends in a slash.
	Whiteouts []string `json:"whiteouts,omitempty"`

	// Links are the symbolic links. The parents of upper layers' paths are resolved through them.
	Links []Link `json:"links,omitempty"`

	Largest []FileFact `json:"largest,omitempty"` // the largest regular files, at most LargestFiles

	Entries  int   `json:"entries"`
	Unpacked int64 `json:"unpacked"` // bytes of the decompressed archive
}

// Link is a symbolic link.
type Link struct {
	Path   string `json:"path"`
	Target string `json:"target"` // as written in the archive
}

// OSRelease is the content of an os-release file (os-release(5)).
type OSRelease struct {
	Path       string `json:"path"`
	ID         string `json:"id"`
	IDLike     string `json:"id_like,omitempty"`
	VersionID  string `json:"version_id,omitempty"`
	Codename   string `json:"codename,omitempty"`
	PrettyName string `json:"pretty_name,omitempty"`
}

// PackageFormat is the kind of a package database or manifest.
type PackageFormat string

// The package formats.
const (
	FormatAPK  PackageFormat = "apk"
	FormatDpkg PackageFormat = "dpkg"
	FormatRPM  PackageFormat = "rpm"

	FormatPacman  PackageFormat = "pacman"
	FormatPortage PackageFormat = "portage"

	FormatGo       PackageFormat = "go-binary"
	FormatRust     PackageFormat = "rust-binary"
	FormatNPM      PackageFormat = "npm"
	FormatPyPI     PackageFormat = "pypi"
	FormatJar      PackageFormat = "jar"
	FormatGem      PackageFormat = "gem"
	FormatNuGet    PackageFormat = "nuget"
	FormatComposer PackageFormat = "composer"
	FormatConda    PackageFormat = "conda"
	FormatCRAN     PackageFormat = "cran"

	FormatNPMLock      PackageFormat = "npm-lock"
	FormatYarnLock     PackageFormat = "yarn-lock"
	FormatPnpmLock     PackageFormat = "pnpm-lock"
	FormatComposerLock PackageFormat = "composer-lock"
	FormatGemLock      PackageFormat = "gem-lock"
	FormatNuGetLock    PackageFormat = "nuget-lock"
	FormatMixLock      PackageFormat = "mix-lock"
)

// OS reports whether the format is used by an operating system's package manager.
func (f PackageFormat) OS() bool {
	switch f {
	case FormatAPK, FormatDpkg, FormatRPM, FormatPacman, FormatPortage:
		return true
	default:
		return false
	}
}

// PackageFile is one package database, or one manifest, of a layer.
type PackageFile struct {
	Path     string        `json:"path"`
	Format   PackageFormat `json:"format"`
	Packages []Package     `json:"packages"`

	// LowConfidence marks a lock file: it lists packages to install, which may not be installed.
	LowConfidence bool `json:"low_confidence,omitempty"`

	// Link is the path of the file in the same layer that this hard link shares its content with.
	Link string `json:"link,omitempty"`

	// Sums are the first FileSum bytes of the file's MD5, SHA-1 and SHA-256, in this order. They are set for a file of a
	// language that an operating system package may have installed.
	Sums []byte `json:"sums,omitempty"`

	// OtherVendors are, in a database of an operating system, the names of packages that other vendors than the
	// distribution made, sorted. OwnVendor is set if the database contains packages of the distribution itself; without
	// any, OtherVendors means nothing.
	OtherVendors []string `json:"other_vendors,omitempty"`
	OwnVendor    bool     `json:"own_vendor,omitempty"`
}

// FileSum is how many bytes of a digest are kept to compare files with the records of package managers.
const FileSum = 8

// SumAlgorithm is the algorithm of the digests that a package manager records.
type SumAlgorithm string

// The algorithms of dpkg, apk and rpm.
const (
	SumMD5    SumAlgorithm = "md5"
	SumSHA1   SumAlgorithm = "sha1"
	SumSHA256 SumAlgorithm = "sha256"
)

// OwnedFiles are files that a package of an operating system installed, as its database records them: those from
// which packages of languages are read.
type OwnedFiles struct {
	Database  string        `json:"database"` // path of the database
	Format    PackageFormat `json:"format"`   // of the package manager
	Package   string        `json:"package"`
	Algorithm SumAlgorithm  `json:"algorithm"`
	Files     []OwnedFile   `json:"files"`
}

// OwnedFile is a file of a package.
type OwnedFile struct {
	Path string `json:"p"` // see owned.NormalizePath
	Sum  []byte `json:"s"` // first FileSum bytes of the digest
}

// AccountFile is an account database reduced to facts, without password hashes.
type AccountFile struct {
	Path     string    `json:"path"`
	Accounts []Account `json:"accounts"`
	Groups   []Group   `json:"groups,omitempty"` // of group(5) and gshadow(5)
	Legacy   int       `json:"legacy,omitempty"` // lines that include accounts of a network service ("+", "-")

	// From is the layer and path of the file; set when the layers of an image are folded.
	From AccountSource `json:"-"`
}

// Account is one line of passwd(5) or shadow(5).
type Account struct {
	Name          string `json:"name"`
	UID           int64  `json:"uid"`           // -1 in shadow files
	GID           int64  `json:"gid,omitempty"` // of passwd files
	Home          string `json:"home,omitempty"`
	Shell         string `json:"shell,omitempty"`
	EmptyPassword bool   `json:"empty_password,omitempty"` // shadow: no password is needed; passwd: field 2 is empty

	// Scheme is the algorithm of the password hash, as in crypt(5); "" if no password matches.
	Scheme string `json:"scheme,omitempty"`

	// Same is a number that is equal for accounts of this file with the same hash; 0 = the hash is unique.
	Same int `json:"same,omitempty"`

	Weak      *WeakPassword `json:"weak,omitempty"`      // the password was guessed
	Unchecked string        `json:"unchecked,omitempty"` // why it was not compared with every common password

	Ageing *Ageing `json:"ageing,omitempty"` // shadow: for an account with a password
}

// Ageing is the expiry of a password in shadow(5), in days; -1 = not set.
type Ageing struct {
	Changed  int64 `json:"changed"`
	Min      int64 `json:"min"`
	Max      int64 `json:"max"`
	Warn     int64 `json:"warn"`
	Inactive int64 `json:"inactive"`
}

// Group is one line of group(5) or gshadow(5).
type Group struct {
	Name     string   `json:"name"`
	GID      int64    `json:"gid"` // -1 in gshadow files
	Members  []string `json:"members,omitempty"`
	Password bool     `json:"password,omitempty"` // others can join with a password
}

// ConfigKind is the kind of a configuration file that checks read.
type ConfigKind string

// ConfigFile is a file reduced to the directives or facts that checks read, without values that
// may be secrets.
type ConfigFile struct {
	Path   string       `json:"path"`
	Kind   ConfigKind   `json:"kind"`
	Lines  []ConfigLine `json:"lines,omitempty"`
	Unread string       `json:"unread,omitempty"` // why an optional file was not read
}

// ConfigLine is one directive. The meaning of scope, key and arguments depends on the kind.
type ConfigLine struct {
	Line  int      `json:"line"` // from 1
	Scope string   `json:"scope,omitempty"`
	Key   string   `json:"key"`
	Args  []string `json:"args,omitempty"`
}

// FileMode is a regular file or a directory whose permission bits a check reads.
type FileMode struct {
	Path string `json:"path"`
	Mode uint32 `json:"mode"` // as in the tar header: permission bits with 04000 set-uid, 02000 set-gid, 01000 sticky
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
	Dir  bool   `json:"dir,omitempty"`
}
