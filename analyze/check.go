package analyze

import "plimsoll"

// Check judges the facts of one folded image. It is pure: no bytes, no clock, no network.
type Check interface {
	// ID is the stable rule id, "image.user".
	ID() string

	// Rule describes the check.
	Rule() plimsoll.Rule

	Run(Image) plimsoll.Setting
}

// Image is the facts that checks read.
type Image struct {
	Config   *plimsoll.ImageConfig // nil = not read
	Release  *plimsoll.OSRelease   // nil = none in the image
	Accounts []plimsoll.AccountFile
	Configs  []plimsoll.ConfigFile
	Modes    []plimsoll.FileMode

	// Failures are the visible places where the baseline analyzer could not look.
	Failures []plimsoll.FileFailure
}
