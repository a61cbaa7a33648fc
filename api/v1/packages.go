package v1

import (
	"context"
	"strconv"

	"plimsoll"
	"plimsoll/api/base"
)

// PackageLister lists the packages of an image and their vulnerabilities.
type PackageLister interface {
	// ImagePackages returns the declared packages, or all others.
	ImagePackages(ctx context.Context, img plimsoll.Image, declared bool) ([]plimsoll.ListedPackage, error)
	ImageVulnerabilities(ctx context.Context, img plimsoll.Image, f plimsoll.VulnerabilityFilter) (plimsoll.Page[plimsoll.Placed], error)
}

type listPackagesInput struct {
	ImagePath
	PageQuery
	Declared bool `query:"declared" doc:"true: packages that only lock files name, which no count includes; false: the others"`
}

type listPackagesOutput struct {
	Body base.List[plimsoll.ListedPackage]
}

func (h *handlers) listPackages(ctx context.Context, in *listPackagesInput) (*listPackagesOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	rows, err := h.roles.Packages.ImagePackages(ctx, img, in.Declared)
	if err != nil {
		return nil, err
	}
	list, err := base.PageAfter(rows, in.After, in.Limit, func(p plimsoll.ListedPackage) string {
		return p.Path + "\n" + p.PURL + "\n" + p.Name + "\n" + p.Version + "\n" + p.Owner.Name + "\n" + string(p.Layer) + p.Platform.String()
	})
	return &listPackagesOutput{Body: list}, err
}

type listFoundInput struct {
	ImagePath
	After    string              `query:"after" maxLength:"10" pattern:"^[0-9]*$" doc:"Member next of the page before; absent = the first page"`
	Limit    int                 `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"Rows per page"`
	Declared bool                `query:"declared" doc:"true: of packages that only lock files name, which no count includes; false: of the others"`
	Handled  base.Optional[bool] `query:"handled" doc:"Whether a decision needs no more action; absent = both"`
	Severity []plimsoll.Severity `query:"severity" maxItems:"5" enum:"critical,high,medium,low,unknown" doc:"Comma-separated"`
}

type listFoundOutput struct {
	Body base.List[plimsoll.Placed]
}

func (h *handlers) listVulnerabilities(ctx context.Context, in *listFoundInput) (*listFoundOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	offset := 0
	if in.After != "" {
		if offset, err = strconv.Atoi(in.After); err != nil {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "the cursor is malformed")
		}
	}
	page, err := h.roles.Packages.ImageVulnerabilities(ctx, img, plimsoll.VulnerabilityFilter{
		Declared: in.Declared, Handled: in.Handled.Pointer(), Severities: in.Severity, Offset: offset, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	if end := offset + len(page.Items); len(page.Items) > 0 && end < page.Total {
		page.Next = strconv.Itoa(end)
	}
	return &listFoundOutput{Body: base.ListOf(page)}, nil
}
