// Package packages reads the package databases of operating systems: dpkg (Debian, Ubuntu,
// distroless), apk (Alpine) and rpm (AlmaLinux, SUSE, openEuler …), and os-release.
//
// It is the only place that knows osv-scalibr's extractors; rpmdb below it needs none. At layer time the distribution is not known:
// os-release may stand in another layer. So a report holds names and versions; Ecosystem and
// Complete add the rest when the layers were folded.
package packages
