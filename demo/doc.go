// Package demo composes sample images, serves them from an in-process registry and
// writes sample advisories, so that the whole program can be tried without a network.
// Everything in it is made up: packages have real names and plausible versions,
// advisories and CVE numbers (year 2099) do not exist.
package demo
