//go:build race

package sandbox

// raced tells that children carry the race detector, which needs more memory than a limit leaves.
const raced = true
