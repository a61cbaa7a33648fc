// Package plimsoll holds the nouns of a security inventory for container images.
//
// Plimsoll reads registries, looks once inside every layer, keeps what it found
// (the inventory), judges it against advisories (the judgement), and answers
// questions about both. The folders below this one are rooms that serve these
// nouns; none of them is imported here. docs/architecture.md draws the flow.
package plimsoll
