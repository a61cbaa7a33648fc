// Package vex reads and writes statements about exploitability: OpenVEX 0.2
// (https://github.com/openvex/spec), the VEX profile of CSAF 2.0
// (https://docs.oasis-open.org/csaf/csaf/v2.0/, profile 5) and CycloneDX 1.4 to 1.6
// (https://cyclonedx.org/docs/1.6/json/). It is pure: bytes in, a [Document] out; a
// Document and what is known of a tenant in, decisions out; decisions in, OpenVEX out.
//
// Documents come from strangers. Their size, depth and number of statements are bounded,
// and what cannot be understood, or names nothing that is known, is told, not dropped.
package vex
