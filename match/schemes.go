package match

// schemeByEcosystem has a row for every ecosystem of the OSV schema
// (https://ossf.github.io/osv-schema/#defined-ecosystems) and for a few distributions
// that have advisories in its format. docs/decisions/0006-version-order.md gives the
// reasons; a test compares that page with this table.
var schemeByEcosystem = map[string]ecosystemScheme{
	// dpkg.
	"Debian":    {release: numberRelease, version: debianVersion, names: bySource},
	"Ubuntu":    {release: ubuntuRelease, version: debianVersion, names: bySource},
	"openKylin": {release: numberRelease, version: debianVersion, names: bySource},

	// apk. Advisories use the origin of a package.
	"Alpine":                       {release: alpineRelease, version: alpineVersion, names: bySource},
	"Alpaquita":                    {release: streamRelease, version: alpineVersion, names: bySource},
	"BellSoft Hardened Containers": {release: streamRelease, version: alpineVersion, names: bySource},
	"Chainguard":                   {release: noRelease, version: alpineVersion, names: bySource},
	"MinimOS":                      {release: noRelease, version: alpineVersion, names: bySource},
	"Wolfi":                        {release: noRelease, version: alpineVersion, names: bySource},

	// rpm.
	"AlmaLinux":            {release: majorRelease, version: rpmVersion, hasModules: true},
	"Red Hat":              {release: redHatRelease, version: rpmVersion, hasModules: true},
	"Rocky Linux":          {release: majorRelease, version: rpmVersion, names: byEither, hasModules: true},
	"Oracle Linux":         {release: majorRelease, version: rpmVersion, names: byEither, hasModules: true},
	"Amazon Linux":         {release: majorRelease, version: rpmVersion, names: byEither},
	"Azure Linux":          {release: majorRelease, version: rpmVersion, names: byEither},
	"Huawei Cloud EulerOS": {release: numberRelease, version: rpmVersion, names: byEither},
	"Mageia":               {release: majorRelease, version: rpmVersion, names: byEither},
	"openEuler":            {release: openEulerRelease, version: rpmVersion, names: byEither},
	"openSUSE":             {release: openSUSERelease, version: rpmVersion, names: byEither},
	"Photon OS":            {release: numberRelease, version: rpmVersion, names: byEither},
	"SUSE":                 {release: suseRelease, version: rpmVersion, names: byEither},

	// Languages and applications. A suffix of Maven or Packagist names the registry.
	"Bioconductor": {release: numberRelease, version: semverVersion},
	"Bitnami":      {release: noRelease, version: bitnamiVersion},
	"ConanCenter":  {release: noRelease, version: semverVersion},
	"CRAN":         {release: noRelease, version: cranVersion},
	"crates.io":    {release: noRelease, version: semverVersion},
	"GHC":          {release: noRelease, version: semverVersion},
	"Go":           {release: noRelease, version: semverVersion, toolchain: "stdlib", unversioned: true},
	"Hackage":      {release: noRelease, version: hackageVersion},
	"Hex":          {release: noRelease, version: semverVersion},
	"Julia":        {release: noRelease, version: semverVersion},
	"Kubernetes":   {release: noRelease, version: semverVersion},
	"Maven":        {release: anyRelease, version: mavenVersion},
	"npm":          {release: noRelease, version: semverVersion},
	"NuGet":        {release: noRelease, version: nugetVersion},
	"Packagist":    {release: anyRelease, version: packagistVersion},
	"Pub":          {release: noRelease, version: pubVersion},
	"PyPI":         {release: noRelease, version: pypiVersion},
	"RubyGems":     {release: noRelease, version: rubygemsVersion},
	"SwiftURL":     {release: noRelease, version: semverVersion},
	"VSCode":       {release: noRelease, version: semverVersion},

	// Not judged.
	"Android":                {release: anyRelease, notJudgedReason: "records are about the platform's patch levels, not about packages"},
	"CleanStart":             {release: anyRelease, notJudgedReason: "its version order is not documented"},
	"Conda":                  {release: anyRelease, notJudgedReason: "not an ecosystem of OSV; it has its own version order"},
	"Docker Hardened Images": {release: anyRelease, notJudgedReason: "the versions of images are names, which have no order"},
	"Echo":                   {release: anyRelease, notJudgedReason: "its version order is not documented"},
	"FreeBSD":                {release: anyRelease, notJudgedReason: "pkg-version has its own order; no Linux image has such packages"},
	"GitHub Actions":         {release: anyRelease, notJudgedReason: "actions are not installed in images"},
	"Linux":                  {release: anyRelease, notJudgedReason: "records are about the kernel's source, which images do not contain"},
	"opam":                   {release: anyRelease, notJudgedReason: "it has its own version order"},
	"OSS-Fuzz":               {release: anyRelease, notJudgedReason: "records are about commits"},
	"Root":                   {release: anyRelease, notJudgedReason: "versions of many ecosystems with a suffix of the vendor"},
	"TuxCare":                {release: anyRelease, notJudgedReason: "versions of many ecosystems with a suffix of the vendor"},
}
