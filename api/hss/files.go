package hss

import (
	"context"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/api/base"
)

// FileLister lists the files of an image and the images that it is based on.
type FileLister interface {
	ImageFiles(ctx context.Context, img plimsoll.Image) (plimsoll.FileFacts, error)
	BaseImages(ctx context.Context, img plimsoll.Image, enterpriseProjects []string) ([]plimsoll.BaseImage, error)
}

// ImagePath names one image, as operations on its content do.
type ImagePath struct {
	ProjectPath
	ImageID   string `path:"image_id" maxLength:"256" doc:"Record id, or the hex digits of the manifest digest"`
	Namespace string `query:"namespace" maxLength:"256" doc:"First segment of the repository path"`
	ImageName string `query:"image_name" maxLength:"256" doc:"The rest of the repository path"`
}

func (in *ImagePath) lookup(tag string) plimsoll.ImageLookup {
	return plimsoll.ImageLookup{ProjectID: in.ProjectID, ID: in.ImageID, Ref: plimsoll.ImageRef{Namespace: in.Namespace, Name: in.ImageName, Tag: tag}}
}

type listFilesInput struct {
	ImagePath
	PageQuery
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Tag       string `query:"tag_name" maxLength:"256" doc:"Tag"`
	FileName  string `query:"file_name" maxLength:"256" doc:"Part of a file's name, any case"`
}

type fileRow struct {
	Name string `json:"file_name" minLength:"1" doc:"Last segment of the path"`
	Path string `json:"file_path" minLength:"1" doc:"Path from the root of the image"`
	Size int32  `json:"size" minimum:"0" doc:"Bytes; 2147483647 for more, which clients of the contract cannot hold"`
}

type fileList struct {
	Total int32     `json:"total_num" minimum:"0" maximum:"65535" doc:"Matches before paging"`
	Rows  []fileRow `json:"data_list" nullable:"false" doc:"The largest files, by size, descending"`
}

type listFilesOutput struct{ Body fileList }

type filesStatInput struct {
	ImagePath
	RegionHeader
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image,registry,local" doc:"Where the image comes from"`
	Tag       string `query:"tag_name" maxLength:"256" doc:"Tag"`
}

type filesStatOutput struct {
	Body struct {
		Files int32 `json:"total_files_num" minimum:"0" doc:"Regular files that are visible in the image"`
		Bytes int32 `json:"total_files_size" minimum:"0" doc:"Their bytes, unpacked; 2147483647 for more, which clients of the contract cannot hold"`
	}
}

type basesInput struct {
	ImagePath
	PageQuery
	RegionHeader
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,cicd,harbor" doc:"Where the image comes from"`
	Version   string `query:"image_version" maxLength:"256" doc:"Tag"`
	OSName    string `query:"os_name" maxLength:"256" doc:"Part of the name of the operating system, any case"`
}

type baseRow struct {
	OSName    string `json:"os_name" doc:"Id of the operating system as os-release has it"`
	OSVersion string `json:"os_version" doc:"Its version"`
	Layer     string `json:"layer_digest" doc:"Digest of the topmost layer of the base image"`
	Image     string `json:"image_name" doc:"Repository of the base image"`
	Version   string `json:"image_version" doc:"Its tag"`
	ImageID   string `json:"image_id" doc:"Hex digits of its manifest digest"`
}

type basesOutput struct {
	Body struct {
		Total int32     `json:"total_num" minimum:"0" doc:"Matches before paging"`
		Rows  []baseRow `json:"data_list" nullable:"false" doc:"Known images that this one begins with, that with most layers in common first"`
	}
}

func (h *handlers) listFiles(ctx context.Context, in *listFilesInput) (*listFilesOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, in.lookup(in.Tag))
	if err != nil {
		return nil, err
	}
	facts, err := h.roles.Files.ImageFiles(ctx, img)
	if err != nil {
		return nil, err
	}
	rows := []fileRow{}
	for _, f := range facts.Largest {
		if name := path.Base(f.Path); containsFold(name, in.FileName) {
			rows = append(rows, fileRow{Name: name, Path: "/" + f.Path, Size: int32Of(f.Size)})
		}
	}
	return &listFilesOutput{Body: fileList{Total: int32Of(len(rows)), Rows: rowsOfPage(rows, in.PageQuery)}}, nil
}

func (h *handlers) showFilesStat(ctx context.Context, in *filesStatInput) (*filesStatOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, in.lookup(in.Tag))
	if err != nil {
		return nil, err
	}
	facts, err := h.roles.Files.ImageFiles(ctx, img)
	out := &filesStatOutput{}
	out.Body.Files, out.Body.Bytes = int32Of(facts.Count), int32Of(facts.Bytes)
	return out, err
}

func (h *handlers) listBases(ctx context.Context, in *basesInput) (*basesOutput, error) {
	img, err := h.findImage(ctx, in.ImageType, in.lookup(in.Version))
	if err != nil {
		return nil, err
	}
	eps, err := base.EnterpriseProjects(base.Caller(ctx), plimsoll.RoleReader, base.AllEnterpriseProjects)
	if err != nil {
		return nil, err
	}
	bases, err := h.roles.Files.BaseImages(ctx, img, eps)
	if err != nil {
		return nil, err
	}
	rows := []baseRow{}
	for _, b := range bases {
		row := baseRow{Layer: string(b.TopLayer), Image: b.Repository, Version: b.Tag, ImageID: b.Digest.Hex()}
		if b.Release != nil {
			row.OSName, row.OSVersion = b.Release.ID, b.Release.VersionID
		}
		if containsFold(row.OSName, in.OSName) {
			rows = append(rows, row)
		}
	}
	out := &basesOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// rowsOfPage cuts a page out of a short list.
func rowsOfPage[T any](rows []T, q PageQuery) []T {
	page, _ := base.PageAt(rows, int(q.Offset), int(q.Limit))
	return page
}
