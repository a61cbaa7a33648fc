// Package literal finds many short byte strings in a stream at once. It is the first step
// of everything that looks for patterns in file content: the owners (malware signatures,
// secret rules) hand in the literals that their patterns cannot match without, and check
// the rest only where one of them stands.
//
// The matcher looks at every second position of the content only: four bytes, letters
// folded, are hashed into a bitmap that stays in the processor's cache. A pattern of five
// bytes or more is entered with two neighbouring four-byte pieces, its rarest, so that one of the
// two falls on a position that is looked at. Shorter patterns are entered with every
// value of the bytes they leave open. Where the bitmap says "perhaps", a small table says which
// patterns to compare in full.
//
// In the flow the package stands below the analyzers; it is not an analyzer itself.
package literal
