//go:build race

package sandbox

// raced reports that children run with the race detector, which needs more memory than the limit.
const raced = true
