package plimsoll

// SettingResult is the outcome of a baseline check.
type SettingResult string

// The results. "Could not look" is neither a pass nor a failure.
const (
	SettingPass          SettingResult = "pass"
	SettingFailed        SettingResult = "failed"
	SettingNotApplicable SettingResult = "not_applicable"
	SettingNotLooked     SettingResult = "not_looked"
)

// Setting is the result of one baseline check on one image.
type Setting struct {
	Rule     string        `json:"rule"` // stable id, "image.user"
	Title    string        `json:"title"`
	Severity Severity      `json:"severity"`
	Result   SettingResult `json:"result"`
	Advice   string        `json:"advice"`
	Evidence []string      `json:"evidence,omitempty"` // what was found, bounded; no secret
}
