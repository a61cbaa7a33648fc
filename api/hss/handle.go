package hss

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// handleBody selects vulnerabilities of images and what is decided about them.
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

// registryImages is the only image type of this operation that has images.
const registryImages = "registry"

func (h *handlers) handleVulnerabilities(ctx context.Context, in *handleInput) (*handleOutput, error) {
	tenant, err := base.ScopeOf(ctx).Tenant()
	if err != nil {
		return nil, err
	}
	maker := &decisionMaker{
		images: h.roles.Lookup, vulnerabilities: h.roles.Vulnerabilities, census: h.roles.Census, decisions: h.roles.Decisions,
		request: in.Body.request(tenant, base.Caller(ctx).User.Name),
	}
	return &handleOutput{}, maker.decide(ctx)
}

// request writes the body in terms of decisions.
func (b *handleBody) request(tenant plimsoll.Tenant, by string) decisionRequest {
	r := decisionRequest{tenant: tenant, by: by, reason: b.Remark, kind: plimsoll.SetLanguage}
	if b.Type == "linux_vul" {
		r.kind = plimsoll.SetOS
	}
	if b.HandleStatus != "" {
		r.handled = new(b.HandleStatus == "handled")
	}
	switch b.OperateType {
	case "ignore":
		r.status = plimsoll.StatusIgnored
	case "manual_repair":
		r.status = plimsoll.StatusFixed
	case "add_to_whitelist":
		r.status = plimsoll.StatusAccepted
	}
	add := func(image, vulnerability string) {
		if b.ImageType != registryImages {
			image = "" // which is not found
		}
		r.pairs = append(r.pairs, imageVulnerability{image, vulnerability})
	}
	switch b.SelectType {
	case "all_vul":
		r.all = b.ImageType == registryImages
	case "specific_vul_all_image":
		r.everywhere = b.Vuls
	case "specific_image_all_vul":
		for _, image := range b.Images {
			add(image, "")
		}
	case "vul_view":
		for _, v := range b.ByVul {
			for _, image := range v.Images {
				add(image, v.ID)
			}
		}
	case "image_view":
		for _, v := range b.ByImage {
			for _, vulnerability := range v.Vuls {
				add(v.ID, vulnerability)
			}
		}
	}
	return r
}
