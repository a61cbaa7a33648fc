// Package analyze defines the contracts of analyzers, kinds of findings and checks, and runs all
// analyzers over the entries of one layer.
//
// An Analyzer reads a layer's bytes once and writes facts to its own report. A Kind folds these
// reports into a part of the record of an image. A Check reads the facts of a folded image and its
// config, never bytes. Run receives a layer entry by entry, reads each file once for all
// analyzers that want it, and turns an analyzer's error or panic into a failure of that analyzer's
// report: "nothing found" and "could not look" are different answers.
//
// The folders below analyze are the analyzers; analyze/all lists them. docs/add-an-analyzer.md
// explains how to add one. The package uses layer, and scan uses both.
package analyze
