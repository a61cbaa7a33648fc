// Package plimsoll holds the nouns of a security inventory for container images.
//
// Plimsoll reads registries, looks once inside every layer, keeps what it found
// (the inventory), judges it against advisories (the judgement), and answers
// questions about both. The packages below this one work on these
// types. This package imports only leaves, which import nothing of the project. docs/architecture.md draws the flow.
package plimsoll
