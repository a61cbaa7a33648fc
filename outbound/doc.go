// Package outbound opens every connection that leaves the process: to registries,
// token services, feeds and mirrors.
//
// Addresses come from users and from responses of registries. Therefore a host is resolved
// once, every resolved address is checked, and the connection goes to a checked address.
// Redirects are checked the same way, because every hop dials again. [Policy] lists what a
// deployment allows in addition to public addresses.
package outbound
