// Package packages reads the package databases of operating systems: dpkg (Debian, Ubuntu,
// distroless), apk (Alpine), rpm (AlmaLinux, SUSE, openEuler …), pacman and Portage; what
// languages install (manifests lists the formats); what Go and Rust programs say they were
// built of; and os-release.
//
// It is the only place that knows osv-scalibr's extractors; rpmdb below it needs none. At
// layer time the distribution is not known: os-release may stand in another layer. So a
// report holds names and versions of system packages; Ecosystem and Complete add the rest
// when the layers were folded. Packages of languages are complete at once.
package packages
