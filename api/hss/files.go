package api

import (
	"context"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// FileLister tells what files an image shows and what it is based on.
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

func (a *API) registerFiles() {
	closed(a, huma.Operation{
		OperationID: "ListImageFiles", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/files",
		Tags: []string{"files"}, Summary: "List the largest files of an image", Description: "At most fifty, that are visible in the image.",
	}, a.listFiles)
	closed(a, huma.Operation{
		OperationID: "ShowImageFilesStat", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/files-statistics",
		Tags: []string{"files"}, Summary: "Count the files of an image",
	}, a.showFilesStat)
	closed(a, huma.Operation{
		OperationID: "ListImageBasicImage", Method: http.MethodGet, Path: "/v5/{project_id}/image/{image_id}/basic-image",
		Tags: []string{"files"}, Summary: "List the images that an image is based on",
		Description: "Images of the inventory, that the caller may see, whose layers the image begins with.",
	}, a.listBases)
}

// OwnImagePath names one image to our own operations.
type OwnImagePath struct {
	OwnPath
	ID int64 `path:"id" minimum:"1" doc:"Record id"`
}

type ownFilesOutput struct{ Body plimsoll.FileFacts }

type ownBasesOutput struct {
	Body plimsoll.Page[plimsoll.BaseImage]
}

func (a *API) registerOwnFiles() {
	closed(a, huma.Operation{
		OperationID: "showImageFiles", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/images/{id}/files",
		Tags: []string{"files"}, Summary: "Sum up the files of an image", Description: "Number and bytes, by kind, and the fifty largest with their SHA-256.",
	}, a.showOwnFiles)
	closed(a, huma.Operation{
		OperationID: "listBaseImages", Method: http.MethodGet, Path: "/api/v1/projects/{project_id}/images/{id}/base-images",
		Tags: []string{"files"}, Summary: "List the images that an image is based on",
	}, a.listOwnBases)
}

func (a *API) ownImage(ctx context.Context, in *OwnImagePath) (img plimsoll.Image, eps []string, err error) {
	if eps, err = ownScope(caller(ctx), plimsoll.RoleReader, in.EnterpriseProject); err != nil {
		return img, nil, err
	}
	img, err = a.find(ctx, plimsoll.ImageLookup{ProjectID: in.ProjectID, EnterpriseProjects: eps, ID: strconv.FormatInt(in.ID, 10)})
	return img, eps, err
}

func (a *API) showOwnFiles(ctx context.Context, in *OwnImagePath) (*ownFilesOutput, error) {
	img, _, err := a.ownImage(ctx, in)
	if err != nil {
		return nil, err
	}
	facts, err := a.roles.Files.ImageFiles(ctx, img)
	return &ownFilesOutput{Body: facts}, err
}

func (a *API) listOwnBases(ctx context.Context, in *OwnImagePath) (*ownBasesOutput, error) {
	img, eps, err := a.ownImage(ctx, in)
	if err != nil {
		return nil, err
	}
	bases, err := a.roles.Files.BaseImages(ctx, img, eps)
	return &ownBasesOutput{Body: pageOf(bases)}, err
}

func (a *API) listFiles(ctx context.Context, in *listFilesInput) (*listFilesOutput, error) {
	img, err := a.image(ctx, in.ImageType, in.EnterpriseProject, in.lookup(in.Tag))
	if err != nil {
		return nil, err
	}
	facts, err := a.roles.Files.ImageFiles(ctx, img)
	if err != nil {
		return nil, err
	}
	rows := []fileRow{}
	for _, f := range facts.Largest {
		if name := path.Base(f.Path); containsFold(name, in.FileName) {
			rows = append(rows, fileRow{Name: name, Path: "/" + f.Path, Size: int32Of(f.Size)})
		}
	}
	return &listFilesOutput{Body: fileList{Total: int32Of(len(rows)), Rows: cut(rows, in.PageQuery)}}, nil
}

func (a *API) showFilesStat(ctx context.Context, in *filesStatInput) (*filesStatOutput, error) {
	img, err := a.image(ctx, in.ImageType, in.EnterpriseProject, in.lookup(in.Tag))
	if err != nil {
		return nil, err
	}
	facts, err := a.roles.Files.ImageFiles(ctx, img)
	out := &filesStatOutput{}
	out.Body.Files, out.Body.Bytes = int32Of(facts.Count), int32Of(facts.Bytes)
	return out, err
}

func (a *API) listBases(ctx context.Context, in *basesInput) (*basesOutput, error) {
	img, err := a.image(ctx, in.ImageType, in.EnterpriseProject, in.lookup(in.Version))
	if err != nil {
		return nil, err
	}
	eps, err := scope(caller(ctx), plimsoll.RoleReader, allEnterprise)
	if err != nil {
		return nil, err
	}
	bases, err := a.roles.Files.BaseImages(ctx, img, eps)
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
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), cut(rows, in.PageQuery)
	return out, nil
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// cut takes a page out of a short list.
func cut[T any](rows []T, q PageQuery) []T {
	page, _ := pageAt(rows, int(q.Offset), int(q.Limit))
	return page
}
