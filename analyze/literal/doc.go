// Package literal finds many short byte strings in a stream at once. It is the first step
// of everything that looks for patterns in file content: the owners (malware signatures,
// secret rules) hand in the literals that their patterns cannot match without, and check
// the rest only where one of them stands.
//
// The matcher looks at every second position of the content: four bytes there, letters folded, are hashed into a
// bitmap that stays in the processor's cache. Each pattern is entered with two pieces, the rarest at an even
// and at an odd distance from its start, so that one of them falls on a position that is looked at. A piece of
// fewer bytes is entered with every value of those it leaves open. Where the bitmap says "perhaps", a
// second one is asked about up to six bytes, and then a small table which patterns to compare in full.
//
// A Library has several matchers: most patterns are of use only in content that begins in some way, or in text.
//
// In the flow the package stands below the analyzers; it is not an analyzer itself.
package literal
