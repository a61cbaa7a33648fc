package hss

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"plimsoll"
)

// SoftwareLister lists the packages of an image that its project forbids.
type SoftwareLister interface {
	ForbiddenSoftware(ctx context.Context, img plimsoll.Image) ([]plimsoll.ForbiddenSoftware, error)
}

type nonCompliantInput struct {
	ProjectPath
	PageQuery
	RegionHeader
	ImageID   string `path:"image_id" minLength:"0" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest"`
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Namespace string `query:"namespace" minLength:"0" maxLength:"65535" doc:"First segment of the repository path"`
	ImageName string `query:"image_name" minLength:"0" maxLength:"65535" doc:"The rest of the repository path"`
	Version   string `query:"image_version" minLength:"0" maxLength:"65535" doc:"Tag"`
	App       string `query:"app_name" minLength:"0" maxLength:"65535" doc:"Part of a package's name, any case"`
}

type nonCompliantApp struct {
	ID      string `json:"id" minLength:"0" maxLength:"128" doc:"Stays the same as long as package and place do"`
	Name    string `json:"app_name" doc:"Package"`
	Path    string `json:"app_path" doc:"File that names the package"`
	Version string `json:"app_version" doc:"Installed version"`
	Layer   string `json:"layer_digest" minLength:"0" maxLength:"128" doc:"Diff ID of the layer that brought the package"`
}

type nonCompliantOutput struct {
	Body struct {
		Total int32             `json:"total_num" minimum:"0" maximum:"2147483547" doc:"Matches before paging"`
		Rows  []nonCompliantApp `json:"data_list" nullable:"false" doc:"Packages that the project's policy forbids, by rule and name"`
	}
}

func (h *handlers) listNonCompliant(ctx context.Context, in *nonCompliantInput) (*nonCompliantOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, plimsoll.ImageLookup{
		ProjectID: in.ProjectID, ID: in.ImageID, Ref: plimsoll.ImageRef{Namespace: in.Namespace, Name: in.ImageName, Tag: in.Version},
	})
	if err != nil {
		return nil, err
	}
	list, err := h.roles.Software.ForbiddenSoftware(ctx, img)
	if err != nil {
		return nil, err
	}
	rows := []nonCompliantApp{}
	for _, f := range list {
		if containsFold(f.Package.Name, in.App) {
			rows = append(rows, nonCompliantApp{ID: softwareID(f), Name: f.Package.Name, Path: f.Path, Version: f.Package.Version, Layer: string(f.Layer)})
		}
	}
	out := &nonCompliantOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}

// softwareID differs between the findings of one image, also of its platforms.
func softwareID(f plimsoll.ForbiddenSoftware) string {
	h := sha256.New()
	for _, part := range [...]string{f.Package.Ecosystem, f.Package.Name, f.Package.Version, f.Package.Arch, f.Path, string(f.Layer), f.Platform.String()} {
		h.Write([]byte(part + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil))[:32]
}
