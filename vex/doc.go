// Package vex reads and writes statements about exploitability: OpenVEX 0.2
// (https://github.com/openvex/spec), the VEX profile of CSAF 2.0
// (https://docs.oasis-open.org/csaf/csaf/v2.0/, profile 5) and CycloneDX 1.4 to 1.6
// (https://cyclonedx.org/docs/1.6/json/). [Parse] reads a [Document];
// [Document.Decisions] turns it into decisions about known products; [WriteOpenVEX] writes
// decisions as OpenVEX. The functions are pure: they use no clock, no network and no
// database.
//
// Documents are untrusted input: their size, depth and number of statements are bounded.
// Statements that cannot be understood, and products that are not known, are reported with a
// reason, not dropped.
package vex
