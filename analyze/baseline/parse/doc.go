// Package parse reduces configuration files of a layer to the directives that baseline
// checks read. The files are hostile: lines, their number and nesting are bounded, and what
// may be a secret is left out.
package parse
