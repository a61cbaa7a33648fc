// Package analyze holds the contracts of analyzers and checks, and the engine that runs
// all analyzers over the entries of one layer.
//
// An Analyzer looks at a layer's bytes once and writes facts to its own report; a Check
// reads the facts of a folded image and its config, never bytes. The engine (Run) is fed
// entry by entry, opens each file once for all who want it, and turns an analyzer's error or
// panic into a failure on that analyzer's report: "nothing found" and "could not look" are
// different answers.
//
// The folders below are the analyzers; analyze/all lists them. In the flow the room stands
// beside layer, below scan.
package analyze
