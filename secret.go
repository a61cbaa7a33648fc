package plimsoll

// Secret is a credential found in a file. The secret itself is never kept.
type Secret struct {
	Path     string   `json:"path"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Line     int      `json:"line,omitempty"`
	Excerpt  string   `json:"excerpt"` // masked
	Layer    Digest   `json:"layer,omitempty"`
	Shadowed bool     `json:"shadowed,omitempty"`
}
