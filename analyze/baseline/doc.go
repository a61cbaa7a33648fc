// Package baseline judges unsafe settings of an image.
//
// Its analyzer reduces a layer to facts: accounts without password hashes, files with
// dangerous mode bits. Its checks read the folded facts and the image config. A check that
// could not see what it judges answers "not looked", never "pass".
package baseline
