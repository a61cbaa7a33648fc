// Package pathlist is the list of a layer's paths in the form in which reports store it: each
// path with the size and the kind of its file, a few bytes per path.
//
// It imports nothing of the project, so that the root package can use it.
package pathlist
