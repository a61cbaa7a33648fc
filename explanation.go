package plimsoll

import "time"

// Explanation is why an image is affected by a vulnerability, or why not as far as known.
type Explanation struct {
	Asked    string   `json:"asked"` // the id as it was asked for
	IDs      []string `json:"ids"`   // canonical ids that it means here
	Image    Image    `json:"image"`
	Revision Revision `json:"revision"` // of the advisories that were looked at
	Affected bool     `json:"affected"`
	Handled  bool     `json:"handled"` // affected, and every finding is under a decision that handles it
	Summary  string   `json:"summary"` // the answer in a sentence

	Findings []ExplainedFinding `json:"findings"` // as stored, by place

	// Checked are packages of the image that advisories of the vulnerability name, or that
	// could not be judged because of them, and that are not among the findings.
	Checked []CheckedPackage `json:"checked"`

	// NotJudged counts the packages of the image that could not be compared with advisories, by reason.
	NotJudged map[string]int `json:"not_judged,omitempty"`
}

// ExplainedFinding is a finding with the way it came into the image and what it rests on.
type ExplainedFinding struct {
	Placed
	BuildStep  string          `json:"build_step,omitempty"` // history line of the layer
	LayerIndex int             `json:"layer_index"`          // from 0, bottom first; -1 if not known
	LayerBlob  Digest          `json:"layer_blob,omitempty"` // as the registry has it
	RatedBy    string          `json:"rated_by"`             // where the severity comes from
	Checks     []AdvisoryCheck `json:"checks"`               // advisories that the package was compared with
	Outdated   bool            `json:"outdated,omitempty"`   // the stored finding is behind the advisories: a rematch is to come
}

// CheckedPackage is a package that was compared with the advisories of a vulnerability.
type CheckedPackage struct {
	Package Package         `json:"package"`
	Reason  string          `json:"reason,omitempty"` // why it could not be judged, "" if it could
	Checks  []AdvisoryCheck `json:"checks"`
	RatedBy string          `json:"rated_by,omitempty"` // where the severity of its vulnerability comes from, if it is affected
}

// CheckResult is what one entry of an advisory says about a package.
type CheckResult string

// The results.
const (
	CheckAffected     CheckResult = "affected"
	CheckNotAffected  CheckResult = "not_affected"
	CheckNotJudged    CheckResult = "not_judged"    // a version cannot be ordered
	CheckOtherRelease CheckResult = "other_release" // it speaks of another release of the distribution
	CheckWithdrawn    CheckResult = "withdrawn"

	// CheckByDistribution: a package of the system installed the files, and the advisories of the distribution judge it.
	CheckByDistribution CheckResult = "by_distribution"
)

// AdvisoryCheck is one affected entry of an advisory compared with one package.
type AdvisoryCheck struct {
	Advisory  string      `json:"advisory"`
	Feed      string      `json:"feed"`
	Revision  Revision    `json:"revision"` // since which the record says this
	Modified  time.Time   `json:"modified,omitzero"`
	Ecosystem string      `json:"ecosystem"` // as the record has it
	Name      string      `json:"name"`      // of the package, or of its source, as the record has it
	Version   string      `json:"version"`   // installed, that was compared
	Result    CheckResult `json:"result"`
	Range     *Range      `json:"range,omitempty"`  // that holds the version; else the first one
	Listed    bool        `json:"listed,omitempty"` // the version is in the record's list of versions
	Fixed     string      `json:"fixed,omitempty"`
}
