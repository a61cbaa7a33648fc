// Package layer reads one layer blob in one pass, and folds the layers of an image into one view.
//
// Read turns bytes from any source into checksums and a bounded sequence of archive entries.
// Nothing is unpacked to a disk. Fold applies the layers of an image, given as stored reports (OCI
// image layer specification, "Applying Changesets" and "Whiteouts"). The View it returns
// finds the place of what a layer's report describes, and whether an upper layer hides it. Fold knows the
// shape of layers and no path of a package database or an account file: kinds of findings do.
//
// The package imports only the root package and leaves; analyze and scan use it.
package layer
