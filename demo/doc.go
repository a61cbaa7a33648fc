// Package demo builds sample images, serves them from an in-process registry and writes sample
// advisories, so that the whole program can be tried without a network. Packages have real names and
// plausible versions; the advisories and CVE numbers (year 2099) are made up.
package demo
