package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// VulnerabilityCensus tells what is found across a tenant's images.
type VulnerabilityCensus interface {
	// ProjectVulnerabilities returns the canonical ids found in packages of a kind ("" = any); an
	// empty enterprise project is the whole project.
	ProjectVulnerabilities(ctx context.Context, t plimsoll.Tenant, kind plimsoll.SetKind) ([]string, error)
}

// handleBody says what to do with which vulnerabilities of which images.
type handleBody struct {
	_            struct{}    `additionalProperties:"true"`
	ImageType    string      `json:"image_type" enum:"local,registry,cicd" doc:"Where the images come from"`
	Type         string      `json:"type" enum:"linux_vul,app_vul" doc:"In packages of the operating system, or of languages"`
	OperateType  string      `json:"operate_type" enum:"ignore,not_ignore,manual_repair,add_to_whitelist" doc:"What is decided"`
	HandleStatus string      `json:"handle_status,omitempty" enum:"unhandled,handled" doc:"Only those that are in this state"`
	SelectType   string      `json:"select_type" enum:"all_vul,specific_image_all_vul,specific_vul_all_image,vul_view,image_view" doc:"How the targets are chosen"`
	Images       []string    `json:"image_id_list,omitempty" nullable:"false" maxItems:"200" doc:"With specific_image_all_vul"`
	Vuls         []string    `json:"vul_id_list,omitempty" nullable:"false" maxItems:"10000" doc:"With specific_vul_all_image"`
	ByVul        []vulView   `json:"vul_data_list,omitempty" nullable:"false" maxItems:"10000" doc:"With vul_view"`
	ByImage      []imageView `json:"image_data_list,omitempty" nullable:"false" maxItems:"200" doc:"With image_view"`
	Remark       string      `json:"remark,omitempty" maxLength:"512" doc:"Why"`
}

type vulView struct {
	_      struct{} `additionalProperties:"true"`
	ID     string   `json:"vul_id,omitempty" maxLength:"128"`
	Images []string `json:"image_id_list,omitempty" nullable:"false" maxItems:"200"`
}

type imageView struct {
	_    struct{} `additionalProperties:"true"`
	ID   string   `json:"image_id,omitempty" maxLength:"512"`
	Vuls []string `json:"vul_id_list,omitempty" nullable:"false" maxItems:"10000"`
}

type handleInput struct {
	ProjectPath
	Body handleBody
}

type handleOutput struct {
	Body struct{}
}

func (a *API) registerHandling() {
	closed(a, huma.Operation{
		OperationID: "HandleImageVulnerability", Method: http.MethodPost, Path: "/v5/{project_id}/image/vulnerability/handle",
		Tags: []string{"vulnerabilities"}, Summary: "Decide about vulnerabilities of images",
		Description: "An image id means every image of that manifest digest in the project. What is chosen as \"all\" is what is found at the moment.",
	}, a.handle)
}

// targets are vulnerability ids by manifest digest; "" is every image.
type targets map[plimsoll.Digest][]string

// maxHandled bounds the decisions of one request.
const maxHandled = 10_000

var errManyHandled = plimsoll.Errorf(plimsoll.Invalid, "more than %d vulnerabilities are chosen at once", maxHandled)

func (a *API) handle(ctx context.Context, in *handleInput) (*handleOutput, error) {
	p := caller(ctx)
	t, err := decidingFor(p, in.ProjectID, in.EnterpriseProject)
	if err != nil {
		return nil, err
	}
	h := &handling{API: a, tenant: t, body: in.Body, by: p.User.Name, kind: plimsoll.SetLanguage}
	if in.Body.Type == "linux_vul" {
		h.kind = plimsoll.SetOS
	}
	if err := h.choose(ctx); err != nil {
		return nil, err
	}
	if err := h.filter(ctx); err != nil {
		return nil, err
	}
	made, ended, err := h.decisions(ctx)
	if err != nil || len(made)+len(ended) == 0 {
		return &handleOutput{}, err
	}
	_, err = a.roles.Decisions.ChangeDecisions(ctx, made, ended)
	return &handleOutput{}, err
}

// handling is one request at work.
type handling struct {
	*API
	tenant plimsoll.Tenant
	body   handleBody
	by     string
	kind   plimsoll.SetKind
	chosen targets
	pairs  int
	images map[string]plimsoll.Image // by id, as the request has it
	found  map[plimsoll.Digest]map[string][]plimsoll.Placed
}

// choose finds the targets that the request selects.
func (h *handling) choose(ctx context.Context) (err error) {
	h.chosen, h.images, h.found = targets{}, map[string]plimsoll.Image{}, map[plimsoll.Digest]map[string][]plimsoll.Placed{}
	switch b := h.body; b.SelectType {
	case "all_vul":
		if b.ImageType == "registry" { // the others have no images
			h.chosen[""], err = h.roles.Census.ProjectVulnerabilities(ctx, h.tenant, h.kind)
		}
	case "specific_vul_all_image":
		h.chosen[""] = b.Vuls
	case "specific_image_all_vul":
		for _, id := range b.Images {
			if err := h.choosePair(ctx, id, ""); err != nil {
				return err
			}
		}
	case "vul_view":
		for _, v := range b.ByVul {
			for _, id := range v.Images {
				if err := h.choosePair(ctx, id, v.ID); err != nil {
					return err
				}
			}
		}
	case "image_view":
		for _, v := range b.ByImage {
			for _, vul := range v.Vuls {
				if err := h.choosePair(ctx, v.ID, vul); err != nil {
					return err
				}
			}
		}
	}
	return err
}

// choosePair adds a vulnerability of an image; an empty one is all that the image has.
func (h *handling) choosePair(ctx context.Context, image, vul string) error {
	if h.pairs++; h.pairs > maxHandled {
		return errManyHandled
	}
	img, err := h.image(ctx, image)
	if err != nil {
		return err
	}
	if vul != "" {
		h.chosen[img.Digest] = append(h.chosen[img.Digest], vul)
		return nil
	}
	for _, list := range h.found[img.Digest] {
		h.chosen[img.Digest] = append(h.chosen[img.Digest], list[0].ID)
	}
	return nil
}

// image finds an image and what is found in it, once.
func (h *handling) image(ctx context.Context, id string) (plimsoll.Image, error) {
	if img, known := h.images[id]; known {
		return img, nil
	}
	if id == "" || h.body.ImageType != "registry" {
		return plimsoll.Image{}, plimsoll.Errorf(plimsoll.NotFound, "no such image")
	}
	var eps []string
	if h.tenant.EnterpriseProject != "" {
		eps = []string{h.tenant.EnterpriseProject}
	}
	img, err := h.projectImage(ctx, h.tenant.ProjectID, eps, id)
	if err != nil {
		return img, err
	}
	h.images[id] = img
	h.found[img.Digest], err = h.findings(ctx, img)
	return img, err
}

// findings are those of the chosen kind of package, by every id that they answer to.
func (h *handling) findings(ctx context.Context, img plimsoll.Image) (map[string][]plimsoll.Placed, error) {
	out := map[string][]plimsoll.Placed{}
	filter := plimsoll.VulnerabilityFilter{OS: new(h.kind == plimsoll.SetOS)}
	for {
		page, err := h.roles.Vulnerabilities.ImageVulnerabilities(ctx, img, filter)
		if err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			names := slices.Concat([]string{p.ID}, p.Advisories, p.Aliases)
			slices.Sort(names)
			for _, name := range slices.Compact(names) {
				out[name] = append(out[name], p)
			}
		}
		if filter.Offset += len(page.Items); len(page.Items) == 0 || filter.Offset >= page.Total {
			return out, nil
		}
	}
}

// filter sorts the targets and leaves those in the state that was asked for: of an image by its findings, of
// every image by whether a decision of the tenant about all of them handles the id.
func (h *handling) filter(ctx context.Context) error {
	n := 0
	for digest, ids := range h.chosen {
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if want := h.body.HandleStatus; want != "" {
			kept := ids[:0:0]
			for _, id := range ids {
				handled, err := h.handled(ctx, digest, id)
				if err != nil {
					return err
				}
				if handled == (want == "handled") {
					kept = append(kept, id)
				}
			}
			ids = kept
		}
		h.chosen[digest] = ids
		n += len(ids)
	}
	if n > maxHandled {
		return errManyHandled
	}
	return nil
}

// handled reports whether no finding of an id is left to be done.
func (h *handling) handled(ctx context.Context, digest plimsoll.Digest, id string) (bool, error) {
	if digest == "" {
		list, err := h.standing(ctx, id)
		return slices.ContainsFunc(list, func(d plimsoll.Decision) bool {
			return d.Status.Handled() && h.everywhere(d)
		}), err
	}
	found := h.found[digest][id]
	return len(found) > 0 && !slices.ContainsFunc(found, func(p plimsoll.Placed) bool { return !p.Handled() }), nil
}

// everywhere reports whether a decision is about every image of the tenant, in packages of the chosen kind.
func (h *handling) everywhere(d plimsoll.Decision) bool {
	s := d.Scope
	s.Packages = ""
	return s == plimsoll.DecisionScope{} && (d.Scope.Packages == "" || d.Scope.Packages == h.kind) &&
		(d.EnterpriseProject == "" || d.EnterpriseProject == h.tenant.EnterpriseProject)
}

// standing are the active decisions of the tenant itself about an id.
func (h *handling) standing(ctx context.Context, id string) ([]plimsoll.Decision, error) {
	var out []plimsoll.Decision
	f := plimsoll.DecisionFilter{ProjectID: h.tenant.ProjectID, Finding: id, Limit: plimsoll.MaxLimit}
	if h.tenant.EnterpriseProject != "" {
		f.EnterpriseProjects = []string{h.tenant.EnterpriseProject}
	}
	for {
		page, err := h.roles.Decisions.Decisions(ctx, f)
		if err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < f.Limit {
			return out, nil
		}
		f.Before = page[len(page)-1].ID
	}
}

// decisions turns the targets into decisions to make and to end.
func (h *handling) decisions(ctx context.Context) (made, ended []plimsoll.Decision, err error) {
	status := map[string]plimsoll.DecisionStatus{
		"ignore": plimsoll.StatusIgnored, "manual_repair": plimsoll.StatusFixed, "add_to_whitelist": plimsoll.StatusAccepted,
	}[h.body.OperateType]
	for digest, ids := range h.chosen {
		for _, id := range ids {
			d := plimsoll.Decision{
				Tenant: h.tenant, Kind: plimsoll.FindingVulnerability, Finding: id,
				Scope: plimsoll.DecisionScope{Digest: digest, Packages: h.kind}, Status: status, Reason: h.body.Remark, Author: h.by,
			}
			if status != "" {
				made = append(made, d)
				continue
			}
			more, over, err := h.undo(ctx, d)
			if err != nil {
				return nil, nil, err
			}
			made, ended = append(made, more...), append(ended, over...)
		}
	}
	return made, ended, nil
}

// undo takes back what the tenant's people decided about a target. If a wider decision, or a document's,
// handles it still, a decision that it is affected stands against that.
func (h *handling) undo(ctx context.Context, d plimsoll.Decision) (made, ended []plimsoll.Decision, err error) {
	standing, err := h.standing(ctx, d.Finding)
	if err != nil {
		return nil, nil, err
	}
	left := false
	for _, s := range standing {
		own := s.Document == "" && s.EnterpriseProject == d.EnterpriseProject && (s.Scope.Packages == "" || s.Scope.Packages == h.kind)
		switch {
		case own && (d.Scope.Digest == "" || s.Scope.Digest == d.Scope.Digest && s.Scope.Package == ""):
			s.EndedBy = h.by
			ended = append(ended, s)
		case s.Status.Handled() && (s.Scope.Digest == "" || d.Scope.Digest == "" || s.Scope.Digest == d.Scope.Digest):
			left = true
		}
	}
	for _, p := range h.found[d.Scope.Digest][d.Finding] { // what holds there under another of its names
		left = left || p.Handled() && !slices.ContainsFunc(ended, func(e plimsoll.Decision) bool { return e.ID == p.Decision.ID })
	}
	if left {
		d.Status = plimsoll.StatusAffected
		made = append(made, d)
	}
	return made, ended, nil
}
