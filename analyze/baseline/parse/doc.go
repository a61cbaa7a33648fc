// Package parse reduces configuration files of a layer to the directives that baseline
// checks read. The files are hostile: the length and number of lines and the nesting are bounded.
// Values that may be secrets are left out.
package parse
