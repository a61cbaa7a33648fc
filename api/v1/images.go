package v1

import (
	"context"
	"time"

	"plimsoll"
	"plimsoll/api/base"
)

// ImageLister lists images of a project.
type ImageLister interface {
	Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error)
}

// Scanner puts scans of images into the backlog.
type Scanner interface {
	// ScanImages asks for a scan of every image of refs within f, or, without refs, of every image f selects.
	ScanImages(ctx context.Context, by string, priority plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error)
}

// listImagesInput is plimsoll.ImageFilter as a query.
type listImagesInput struct {
	ProjectQuery
	PageQuery
	Origins          []plimsoll.Origin    `query:"origin" maxItems:"4" enum:"private,shared,instance,local" doc:"Comma-separated"`
	IDs              []int64              `query:"id,explode" maxItems:"200" doc:"Record ids"`
	RegistryID       int64                `query:"registry_id" minimum:"0"`
	Repository       string               `query:"repository" maxLength:"255" doc:"Path in the registry, exact"`
	Namespace        string               `query:"namespace" maxLength:"255" doc:"First segment of the path"`
	Name             string               `query:"name" maxLength:"255" doc:"The rest of the path"`
	Tag              string               `query:"tag" maxLength:"128"`
	Digest           string               `query:"digest" maxLength:"71" doc:"Manifest digest, sha256:…"`
	Latest           bool                 `query:"latest" doc:"The newest image of each repository only"`
	States           []plimsoll.ScanState `query:"state" maxItems:"7" enum:"pending,running,none,unreachable,oversized,failed,done" doc:"Comma-separated"`
	InstanceID       string               `query:"instance_id" maxLength:"128"`
	InstanceName     string               `query:"instance_name" maxLength:"128"`
	Size             int64                `query:"size" minimum:"0" doc:"Bytes, equality; 0 = any"`
	UpdatedFrom      time.Time            `query:"updated_from" doc:"RFC 3339, inclusive"`
	UpdatedTo        time.Time            `query:"updated_to" doc:"RFC 3339, inclusive"`
	ScannedFrom      time.Time            `query:"scanned_from" doc:"RFC 3339, inclusive"`
	ScannedTo        time.Time            `query:"scanned_to" doc:"RFC 3339, inclusive"`
	HasMalware       base.Optional[bool]  `query:"has_malware" doc:"false: judged and none"`
	HasSetting       base.Optional[bool]  `query:"has_setting" doc:"false: judged and none"`
	HasVulnerability base.Optional[bool]  `query:"has_vulnerability" doc:"false: judged and none"`
}

type listImagesOutput struct {
	Body base.List[plimsoll.Image]
}

type showImageOutput struct{ Body plimsoll.Image }

type scanImagesInput struct {
	ProjectQuery
	Body scanBody
}

type scanBody struct {
	Images []imageRef `json:"images" nullable:"false" minItems:"1" maxItems:"10000"`
}

type imageRef struct {
	Namespace  string `json:"namespace" minLength:"1" maxLength:"255"`
	Name       string `json:"name" minLength:"1" maxLength:"255"`
	Tag        string `json:"tag" minLength:"1" maxLength:"128"`
	InstanceID string `json:"instance_id,omitempty" maxLength:"128"`
}

func (h *handlers) listImages(ctx context.Context, in *listImagesInput) (*listImagesOutput, error) {
	f, err := in.filter(base.ScopeOf(ctx))
	if err != nil {
		return nil, err
	}
	page, err := h.roles.Images.Images(ctx, f)
	return &listImagesOutput{Body: base.ListOf(page)}, err
}

func (in *listImagesInput) filter(scope base.Scope) (f plimsoll.ImageFilter, err error) {
	f = plimsoll.ImageFilter{
		ProjectID: scope.ProjectID, EnterpriseProjects: scope.EnterpriseProjects,
		IDs: in.IDs, Origins: in.Origins, RegistryID: in.RegistryID, Repository: in.Repository,
		Namespace: in.Namespace, Name: in.Name, Tag: in.Tag, LatestOnly: in.Latest, States: in.States,
		InstanceID: in.InstanceID, InstanceName: in.InstanceName, Size: in.Size,
		UpdatedFrom: in.UpdatedFrom, UpdatedTo: in.UpdatedTo, ScannedFrom: in.ScannedFrom, ScannedTo: in.ScannedTo,
		HasMalware: in.HasMalware.Pointer(), HasSetting: in.HasSetting.Pointer(), HasVulnerability: in.HasVulnerability.Pointer(),
		After: in.After, Limit: in.Limit,
	}
	if in.Digest != "" {
		if f.Digest, err = plimsoll.ParseDigest(in.Digest); err != nil {
			return f, err
		}
	}
	return f, f.Validate()
}

func (h *handlers) showImage(ctx context.Context, in *ImagePath) (*showImageOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &showImageOutput{Body: img}, nil
}

func (h *handlers) scanImages(ctx context.Context, in *scanImagesInput) (*taskOutput, error) {
	refs := make([]plimsoll.ImageRef, 0, len(in.Body.Images))
	for _, r := range in.Body.Images {
		refs = append(refs, plimsoll.ImageRef{Namespace: r.Namespace, Name: r.Name, Tag: r.Tag, InstanceID: r.InstanceID})
	}
	scope := base.ScopeOf(ctx)
	f := plimsoll.ImageFilter{ProjectID: scope.ProjectID, EnterpriseProjects: scope.EnterpriseProjects}
	task, err := h.roles.Scans.ScanImages(ctx, base.Caller(ctx).User.Name, plimsoll.PriorityInteractive, f, refs)
	if err != nil {
		return nil, err
	}
	return &taskOutput{Body: task}, nil
}
