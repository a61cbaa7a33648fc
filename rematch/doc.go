// Package rematch judges stored packages again when advisories or the matcher change, without a
// registry. The vulnerabilities of a package do not depend on the set or image that contains it, so
// each package is judged once, and the differences are written for every set that contains it:
//
//	changed advisories ─► packages ─► judged once each ─► findings of their sets ─► counts of artifacts ─► visible
//
// A rematch is a row with an increasing id. It is due if the last finished one had other
// advisories or another matcher, or if sets are behind (see below). Every import of advisories calls
// Request at its end; servers call it when they start and on a schedule, for imports of other processes.
//
//	          Due            interrupted
//	current ───────► running ◄──────────► resumed by BeginRematch with the same advisories,
//	   ▲                │                 or replaced by a rematch with newer ones
//	   │                │ judge, count
//	   └────────────────┘ FinishRematch
//
// # Gate
//
// A finding of a set has the id of the rematch that began it and of the one that ended it.
// Readers see the findings as one rematch left them; the id of this rematch is their gate. It is
// the last finished one, so a rematch writes in short transactions, and what it writes is not visible yet.
// For an artifact that the running rematch has counted, the gate is the running one: the transaction that
// rewrites the count of the artifact also makes its new list visible. The lists of the other artifacts, whose count
// stays, change when the rematch finishes, without a write for each of them.
//
// # Behind
//
// A scan judges only sets that it stores for the first time. A set that it judged by older
// advisories than the newest rematch is recorded as behind, because this rematch may have passed its
// packages already. A rematch judges the sets behind before it counts, and does not finish while there are any.
//
// # Recount
//
// Artifacts to count are those with a set whose findings changed, and those whose sets
// a scan changed while the rematch ran. The latter show the judgement from before until they are
// counted again, and a rematch does not finish while there are any.
//
// # Interruption
//
// A rematch that is interrupted at any statement loses nothing: what is judged and saved again writes
// only the missing rows. If the advisories have changed since, a new rematch takes its place, and ends what
// the first one began.
package rematch
