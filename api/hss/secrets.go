package hss

import (
	"context"
	"strings"

	"plimsoll"
	"plimsoll/api/base"
)

// SecretKeeper holds secrets, the decisions about them, and the paths for which none are listed.
type SecretKeeper interface {
	// ImageSecrets returns those of an image, worst first.
	ImageSecrets(ctx context.Context, img plimsoll.Image) ([]plimsoll.FoundSecret, error)

	// Secrets returns those of all images of a project, each once.
	Secrets(ctx context.Context, f plimsoll.SecretFilter) (plimsoll.Page[plimsoll.FoundSecret], error)

	// IgnoreSecret answers NotFound for one that is not in the enterprise projects (nil = all).
	IgnoreSecret(ctx context.Context, projectID string, enterpriseProjects []string, id, by string, ignore bool) error

	SecretPaths(ctx context.Context, projectID string) ([]string, error)
	SetSecretPaths(ctx context.Context, projectID, by string, patterns []string) error
}

// SecretProfile leaves out what the vendor's documentation lists for its scan of sensitive information. Not
// covered is what that says of single rules (source files for some, strings of 32 to 64 word bytes), whose rules are others.
func SecretProfile() plimsoll.SecretProfile {
	return plimsoll.SecretProfile{
		Name: "hss",
		Patterns: []string{
			"/usr/*", "/lib/*", "/lib32/*", "/bin/*", "/sbin/*", "/var/lib/*", "/var/log/*",
			"*/node_modules/*/*.md", "*/node_modules/*/test/*", "*/service/iam/examples_test.go", "*/grafana/public/build/*.js",
		},
		MaxSize: 20 << 20,
		Types:   []string{".jpg", ".png", ".gif", ".mov", ".avi", ".mpeg", ".pdf", ".mp4", ".mp3", ".svg", ".tar", ".gz", ".zip"},
	}
}

// withPaths adds a project's own paths to those that a profile leaves out.
func (h *handlers) withPaths(ctx context.Context, projectID string, p plimsoll.SecretProfile) (plimsoll.SecretProfile, error) {
	own, err := h.roles.Secrets.SecretPaths(ctx, projectID)
	p.Patterns = append(p.Patterns, own...)
	return p, err
}

type listSecretsInput struct {
	ProjectPath
	PageQuery
	RegionHeader
	ImageID   string `path:"image_id" minLength:"0" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Namespace string `query:"namespace" minLength:"0" maxLength:"65535" doc:"First segment of the repository path"`
	ImageName string `query:"image_name" minLength:"0" maxLength:"65535" doc:"The rest of the repository path"`
	Version   string `query:"image_version" minLength:"0" maxLength:"65535" doc:"Tag"`
	FilePath  string `query:"file_path" minLength:"0" maxLength:"65535" doc:"Path, exact"`
	Severity  string `query:"severity" enum:"critical,high,medium,low" doc:"Severity of the rule"`
	Handled   string `query:"handle_status" enum:"unhandled,handled" doc:"handled = ignored"`
}

func (in *listSecretsInput) wants(row sensitiveRow) bool {
	path := in.FilePath
	return (path == "" || path == row.Path || "/"+path == row.Path) &&
		(in.Severity == "" || in.Severity == row.Severity) && (in.Handled == "" || in.Handled == row.Handled)
}

type sensitiveRow struct {
	ID          string `json:"sensitive_info_id" minLength:"0" maxLength:"128" doc:"Stays the same as long as the image's bytes do"`
	Severity    string `json:"severity" enum:"critical,high,medium,low" doc:"Severity of the rule"`
	Name        string `json:"name" minLength:"0" maxLength:"128" doc:"Id of the rule"`
	Description string `json:"description" minLength:"0" maxLength:"128" doc:"What the rule finds"`
	Position    string `json:"position" minLength:"0" maxLength:"128" doc:"Diff ID of the layer that brought the file; of a finding in the image's config, empty"`
	Path        string `json:"file_path" doc:"Path from the root of the image, or image-config:// with a place in the config"`
	Content     string `json:"content" minLength:"0" maxLength:"128" doc:"What the finding looks like, masked"`
	Scanned     int64  `json:"latest_scan_time" minimum:"0" doc:"Last inspection, ms since 1970"`
	Handled     string `json:"handle_status" enum:"unhandled,handled" doc:"handled = ignored"`
	Accept      string `json:"operate_accept" enum:"ignore,do_not_ignore" doc:"What somebody decided"`
}

func (h *handlers) sensitiveRow(s plimsoll.FoundSecret, scanned int64) sensitiveRow {
	row := sensitiveRow{
		ID: s.ID, Severity: string(s.Severity), Name: s.Rule, Description: h.roles.SecretRules[s.Rule], Position: string(s.Layer),
		Path: s.Path, Content: s.Excerpt, Scanned: max(0, scanned), Handled: "unhandled", Accept: "do_not_ignore",
	}
	if !strings.HasPrefix(row.Path, plimsoll.ConfigScheme) {
		row.Path = "/" + row.Path
	}
	if s.Severity == plimsoll.SeverityUnknown {
		row.Severity = string(plimsoll.SeverityLow)
	}
	if row.Description == "" {
		row.Description = s.Rule
	}
	if s.Ignored {
		row.Handled, row.Accept = "handled", "ignore"
	}
	return row
}

type sensitiveOutput struct {
	Body struct {
		Total int32          `json:"total_num" minimum:"0" maximum:"2147483547" doc:"Matches before paging"`
		Rows  []sensitiveRow `json:"data_list" nullable:"false" doc:"Secrets, those that an upper layer hides included: they can be extracted"`
	}
}

type listAllSecretsInput struct {
	ProjectPath
	PageQuery
	RegionHeader
	ImageType string `query:"image_type" enum:"registry,cicd" default:"registry" doc:"Where images come from"`
}

type operateSecretInput struct {
	ProjectPath
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Body      struct {
		_       struct{} `additionalProperties:"true"`
		ID      string   `json:"sensitive_info_id" minLength:"0" maxLength:"128" doc:"Which finding"`
		Operate string   `json:"operate_type,omitempty" enum:"ignore,do_not_ignore" default:"do_not_ignore" doc:"What to do with it"`
	}
}

type showPathsInput struct {
	ProjectPath
	RegionHeader
	FilePath string `query:"file_path" minLength:"0" maxLength:"65535" doc:"Part of a pattern, any case"`
}

type showPathsOutput struct {
	Body struct {
		Default []string `json:"default_path" nullable:"false" doc:"Patterns that always apply; * matches any bytes"`
		Custom  []string `json:"customized_path" nullable:"false" doc:"The project's own"`
	}
}

type changePathsInput struct {
	ProjectPath
	RegionHeader
	Body struct {
		_      struct{} `additionalProperties:"true"`
		Custom []string `json:"customized_path,omitempty" nullable:"false" doc:"The project's own patterns from now on, at most 20; * matches any bytes"`
	}
}

func (h *handlers) listSecrets(ctx context.Context, in *listSecretsInput) (*sensitiveOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, plimsoll.ImageLookup{
		ProjectID: in.ProjectID, ID: in.ImageID, Ref: plimsoll.ImageRef{Namespace: in.Namespace, Name: in.ImageName, Tag: in.Version},
	})
	if err != nil {
		return nil, err
	}
	profile, err := h.withPaths(ctx, in.ProjectID, SecretProfile())
	if err != nil {
		return nil, err
	}
	list, err := h.roles.Secrets.ImageSecrets(ctx, img)
	if err != nil {
		return nil, err
	}
	rows := []sensitiveRow{}
	for _, s := range list {
		if row := h.sensitiveRow(s, img.ScannedAt.UnixMilli()); !profile.Excludes(s.Secret) && in.wants(row) {
			rows = append(rows, row)
		}
	}
	out := &sensitiveOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}

func (h *handlers) listAllSecrets(ctx context.Context, in *listAllSecretsInput) (*sensitiveOutput, error) {
	out := &sensitiveOutput{}
	out.Body.Rows = []sensitiveRow{}
	query := BaselineQuery{ProjectPath: in.ProjectPath}
	f, ok := query.filter(base.ScopeOf(ctx), in.ImageType, "", "")
	if !ok {
		return out, nil
	}
	profile, err := h.withPaths(ctx, in.ProjectID, SecretProfile())
	if err != nil {
		return nil, err
	}
	page, err := h.roles.Secrets.Secrets(ctx, plimsoll.SecretFilter{
		ProjectID: f.ProjectID, EnterpriseProjects: f.EnterpriseProjects, Profile: profile, Offset: int(in.Offset), Limit: int(in.Limit),
	})
	out.Body.Total = int32Of(page.Total)
	for _, s := range page.Items {
		out.Body.Rows = append(out.Body.Rows, h.sensitiveRow(s, s.ScannedAt))
	}
	return out, err
}

func (h *handlers) operateSecret(ctx context.Context, in *operateSecretInput) (*emptyOutput, error) {
	if _, ok := originOf(in.ImageType); !ok {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "no such finding")
	}
	return &emptyOutput{}, h.roles.Secrets.IgnoreSecret(ctx, in.ProjectID, base.ScopeOf(ctx).EnterpriseProjects, in.Body.ID, base.Caller(ctx).User.Name, in.Body.Operate == "ignore")
}

func (h *handlers) showSecretPaths(ctx context.Context, in *showPathsInput) (*showPathsOutput, error) {
	own, err := h.roles.Secrets.SecretPaths(ctx, in.ProjectID)
	if err != nil {
		return nil, err
	}
	keep := func(list []string) []string {
		kept := []string{}
		for _, pattern := range list {
			if containsFold(pattern, in.FilePath) {
				kept = append(kept, pattern)
			}
		}
		return kept
	}
	out := &showPathsOutput{}
	out.Body.Default, out.Body.Custom = keep(SecretProfile().Patterns), keep(own)
	return out, nil
}

func (h *handlers) changeSecretPaths(ctx context.Context, in *changePathsInput) (*emptyOutput, error) {
	return &emptyOutput{}, h.roles.Secrets.SetSecretPaths(ctx, in.ProjectID, base.Caller(ctx).User.Name, in.Body.Custom)
}
