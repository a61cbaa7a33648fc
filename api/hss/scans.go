package hss

import (
	"context"

	"plimsoll"
	"plimsoll/api/base"
)

// Scanner puts scans of images into the backlog.
type Scanner interface {
	// ScanImages asks for a scan of every image of refs within f, or, without refs, of every image f selects.
	ScanImages(ctx context.Context, by string, priority plimsoll.Priority, f plimsoll.ImageFilter, refs []plimsoll.ImageRef) (plimsoll.Task, error)
}

type scanImagesInput struct {
	ProjectPath
	RegionHeader
	Body scanImagesBody
}

type scanImagesBody struct {
	_            struct{}       `additionalProperties:"true"`
	RepoType     string         `json:"repo_type,omitempty" doc:"Accepted for old clients, not used"`
	Images       []scanImageRef `json:"image_info_list,omitempty" maxItems:"10241" nullable:"false" doc:"Images to scan; needed unless operate_all is true"`
	All          bool           `json:"operate_all,omitempty" doc:"Scan every image that the other members select"`
	Namespace    string         `json:"namespace,omitempty" maxLength:"255"`
	ImageName    string         `json:"image_name,omitempty" maxLength:"255"`
	ImageVersion string         `json:"image_version,omitempty" maxLength:"128"`
	ImageType    string         `json:"image_type" enum:"private_image,shared_image,instance_image" doc:"Where images come from"`
	ScanStatus   string         `json:"scan_status,omitempty" enum:"unscan,success,scanning,failed,download_failed,image_oversized,waiting_for_scan,"`
	Latest       bool           `json:"latest_version,omitempty" doc:"true: the newest version of each repository only; false: no filter"`
	ImageSize    int64          `json:"image_size,omitempty" minimum:"0" doc:"Bytes, equality; 0 = any"`
	UpdatedFrom  int64          `json:"start_latest_update_time,omitempty" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	UpdatedTo    int64          `json:"end_latest_update_time,omitempty" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedFrom  int64          `json:"start_latest_scan_time,omitempty" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
	ScannedTo    int64          `json:"end_latest_scan_time,omitempty" minimum:"0" doc:"ms since 1970, inclusive; 0 = no bound"`
}

type scanImageRef struct {
	_            struct{} `additionalProperties:"true"`
	Namespace    string   `json:"namespace,omitempty" maxLength:"255"`
	ImageName    string   `json:"image_name,omitempty" maxLength:"255"`
	ImageVersion string   `json:"image_version,omitempty" maxLength:"128" doc:"Tag"`
	InstanceID   string   `json:"instance_id,omitempty" maxLength:"128"`
	InstanceURL  string   `json:"instance_url,omitempty" doc:"Accepted, not used"`
}

type emptyOutput struct{ Body struct{} }

func (h *handlers) batchScan(ctx context.Context, in *scanImagesInput) (*emptyOutput, error) {
	f, refs, err := in.Body.selection()
	if err != nil {
		return nil, err
	}
	f.ProjectID, f.EnterpriseProjects = in.ProjectID, base.ScopeOf(ctx).EnterpriseProjects
	if err := f.Validate(); err != nil {
		return nil, err
	}
	if _, err := h.roles.Scans.ScanImages(ctx, base.Caller(ctx).User.Name, plimsoll.PriorityInteractive, f, refs); err != nil {
		return nil, err
	}
	return &emptyOutput{}, nil
}

// selection reads which images are meant: a filter, and the listed images unless all are.
func (b *scanImagesBody) selection() (plimsoll.ImageFilter, []plimsoll.ImageRef, error) {
	var f plimsoll.ImageFilter
	if origin, ok := originOf(b.ImageType); ok {
		f.Origins = []plimsoll.Origin{origin}
	}
	if b.All {
		f.Namespace, f.Name, f.Tag = b.Namespace, b.ImageName, b.ImageVersion
		f.States, f.LatestOnly, f.Size = statesOf(b.ScanStatus), b.Latest, b.ImageSize
		f.UpdatedFrom, f.UpdatedTo = timeOf(b.UpdatedFrom), timeOf(b.UpdatedTo)
		f.ScannedFrom, f.ScannedTo = timeOf(b.ScannedFrom), timeOf(b.ScannedTo)
		return f, nil, nil
	}
	if len(b.Images) == 0 {
		return f, nil, plimsoll.Errorf(plimsoll.Invalid, "image_info_list is empty and operate_all is not true")
	}
	refs := make([]plimsoll.ImageRef, 0, len(b.Images))
	for i, ref := range b.Images {
		if ref.Namespace == "" || ref.ImageName == "" || ref.ImageVersion == "" {
			return f, nil, plimsoll.Errorf(plimsoll.Invalid, "image_info_list[%d] needs namespace, image_name and image_version", i)
		}
		refs = append(refs, plimsoll.ImageRef{Namespace: ref.Namespace, Name: ref.ImageName, Tag: ref.ImageVersion, InstanceID: ref.InstanceID})
	}
	return f, refs, nil
}
