// Package layer reads one layer blob in one pass, and folds the layers of an image into one view.
//
// Read turns bytes from anywhere into verified sums and a bounded sequence of archive
// entries; nothing is ever unpacked to a disk. Fold takes the stored reports of an image's
// layers and says what is visible after all of them were applied (OCI image layer
// specification, "Applying Changesets" and "Whiteouts").
//
// In the flow it stands below scan and knows only the nouns.
package layer
