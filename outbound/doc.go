// Package outbound opens every connection that leaves the process: to registries,
// token services, feeds and mirrors.
//
// Addresses come from people and from what registries answer, so a connection is
// opened only after its name was resolved once and every resolved address was
// checked; the checked address is the one that is dialled. Redirects are checked
// the same way, because every hop dials again. Policy says what deployment
// configuration allows on top of public addresses.
package outbound
