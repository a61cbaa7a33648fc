// Package packages reads the package databases of operating systems: dpkg (Debian, Ubuntu,
// distroless), apk (Alpine), rpm (AlmaLinux, SUSE, openEuler …), pacman and Portage; the files of
// language package managers (manifestFormats lists them); the module lists in Go and Rust programs;
// and os-release.
//
// Only this package imports osv-scalibr's extractors; rpmdb does not need them. While a layer is
// read the distribution is not known, because os-release may be in another layer. So a report
// contains names and versions of system packages; Ecosystem and Complete add the rest after
// folding. Packages of languages are complete in the report.
package packages
