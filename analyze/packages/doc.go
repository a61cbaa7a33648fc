// Package packages reads the package databases of operating systems: dpkg (Debian, Ubuntu,
// distroless) and apk (Alpine), and os-release.
//
// It is the only place that knows osv-scalibr. At layer time the distribution is not known:
// os-release may stand in another layer. So a report holds names and versions; Ecosystem and
// Complete add the rest when the layers were folded.
package packages
