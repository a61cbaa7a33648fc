package hss

import (
	"context"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/api/base"
)

type weakUsersInput struct {
	BaselineQuery
	PageQuery
	RegionHeader
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,instance_image,registry,cicd" doc:"Where images come from"`
	Tag       string `query:"tag_name" minLength:"0" maxLength:"65535" doc:"Tag; only beside image_name"`
	ImageID   string `query:"image_id" minLength:"0" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest; wins over names"`
	User      string `query:"user_name" minLength:"0" maxLength:"32" doc:"Account, exact"`
}

// RowImage is what rows about passwords say of their image.
type RowImage struct {
	Namespace string `json:"namespace" minLength:"0" maxLength:"65535" doc:"First segment of the repository path"`
	ImageName string `json:"image_name" minLength:"0" maxLength:"65535" doc:"The rest of the repository path"`
	Version   string `json:"image_version" minLength:"0" maxLength:"128" doc:"Tag"`
	ImageID   string `json:"image_id" minLength:"0" maxLength:"128" doc:"Hex digits of the manifest digest"`
	ImageType string `json:"image_type" enum:"SwrPrivate,SwrShared,SwrEnterprise,Harbor,Jfrog,Other" doc:"Kind of registry"`
	Scanned   int64  `json:"latest_scan_time" minimum:"0" doc:"Last inspection, ms since 1970"`
}

func rowOf(img plimsoll.Image) RowImage {
	return RowImage{
		Namespace: img.Namespace, ImageName: img.Name, Version: img.Tag, ImageID: img.Digest.Hex(),
		ImageType: registryTypeOf(img), Scanned: max(0, img.ScannedAt.UnixMilli()),
	}
}

// registryTypeOf is what the contract calls the registry of an image.
func registryTypeOf(img plimsoll.Image) string {
	switch img.Source.Kind {
	case plimsoll.RegistryHarbor:
		return "Harbor"
	case plimsoll.RegistryJfrog:
		return "Jfrog"
	case plimsoll.RegistryOther:
		return "Other"
	}
	switch img.Origin {
	case plimsoll.OriginShared:
		return "SwrShared"
	case plimsoll.OriginInstance:
		return "SwrEnterprise"
	default:
		return "SwrPrivate"
	}
}

type weakUser struct {
	RowImage
	User     string `json:"user_name" doc:"Account"`
	Service  string `json:"service_type" doc:"system"`
	Duration int32  `json:"duration" minimum:"0" maximum:"2147483647" doc:"Days since the password was set; 0 = not known"`
	Masked   string `json:"desensitized_weak_passwords" minLength:"0" maxLength:"128" doc:"The password, masked"`
	Advice   string `json:"suggestion" minLength:"0" maxLength:"65534" doc:"Why it is weak, and what to do"`
}

type weakUsersOutput struct {
	Body struct {
		Total int32      `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
		Rows  []weakUser `json:"data_list" nullable:"false" doc:"One row an account, newest images first"`
	}
}

type complexityInput struct {
	BaselineQuery
	PageQuery
	RegionHeader
	ImageType string `query:"image_type" enum:"private_image,shared_image,instance_image,cicd,harbor,registry" doc:"Where images come from"`
	Version   string `query:"image_version" minLength:"0" maxLength:"65535" doc:"Tag; only beside image_name"`
}

type complexity struct {
	RowImage
	Length  bool   `json:"min_length" doc:"true: the policy asks for a length of 8 or more"`
	Upper   bool   `json:"uppercase_letter" doc:"true: the policy asks for an upper-case letter"`
	Lower   bool   `json:"lowercase_letter" doc:"true: the policy asks for a lower-case letter"`
	Digit   bool   `json:"number" doc:"true: the policy asks for a digit"`
	Special bool   `json:"special_character" doc:"true: the policy asks for a special character"`
	Advice  string `json:"suggestion" minLength:"0" maxLength:"65534" doc:"What to do, one line per rule that failed"`
}

type complexityOutput struct {
	Body struct {
		Total int64        `json:"total_num" minimum:"0" doc:"Matches before paging"`
		Rows  []complexity `json:"data_list" nullable:"false" doc:"Images whose policy lacks something, newest first"`
	}
}

func (h *handlers) listWeakUsers(ctx context.Context, in *weakUsersInput) (*weakUsersOutput, error) {
	out := &weakUsersOutput{}
	out.Body.Rows = []weakUser{}
	f, ok := in.filter(base.ScopeOf(ctx), in.ImageType, in.ImageID, in.Tag)
	if !ok {
		return out, nil
	}
	f.Offset, f.Limit = int(in.Offset), int(in.Limit)
	page, err := h.roles.Settings.WeakAccounts(ctx, f, in.User)
	if err != nil {
		return nil, err
	}
	now := h.cfg.Now()
	out.Body.Total = int32Of(page.Total)
	for _, w := range page.Items {
		out.Body.Rows = append(out.Body.Rows, weakUser{
			RowImage: rowOf(w.Image), User: w.User, Service: "system", Duration: daysSince(w.Changed, now),
			Masked: w.Masked, Advice: strings.ToUpper(w.Reason[:min(1, len(w.Reason))]) + w.Reason[min(1, len(w.Reason)):] + ". " + w.Advice,
		})
	}
	return out, nil
}

func daysSince(day int64, now time.Time) int32 {
	if day <= 0 {
		return 0
	}
	return int32Of(max(0, now.Unix()/86400-day))
}

func (h *handlers) listComplexity(ctx context.Context, in *complexityInput) (*complexityOutput, error) {
	out := &complexityOutput{}
	out.Body.Rows = []complexity{}
	f, ok := in.filter(base.ScopeOf(ctx), in.ImageType, "", in.Version)
	if !ok {
		return out, nil
	}
	f.Setting = &plimsoll.SettingFilter{Kind: plimsoll.KindComplexity, Result: plimsoll.SettingFailed}
	f.Offset, f.Limit = int(in.Offset), int(in.Limit)
	page, err := h.roles.Settings.SettingImages(ctx, f)
	if err != nil {
		return nil, err
	}
	out.Body.Total = int64(page.Total)
	for _, i := range page.Items {
		out.Body.Rows = append(out.Body.Rows, complexityOf(i.Image, i.Settings))
	}
	return out, nil
}

// complexityOf reads the five rules by what their ids end in.
func complexityOf(img plimsoll.Image, settings []plimsoll.Setting) complexity {
	row := complexity{RowImage: rowOf(img)}
	parts := map[string]*bool{"length": &row.Length, "upper": &row.Upper, "lower": &row.Lower, "digit": &row.Digit, "special": &row.Special}
	var advice []string
	for _, s := range settings {
		if s.Kind != plimsoll.KindComplexity {
			continue
		}
		if part := parts[s.Rule[strings.LastIndexByte(s.Rule, '.')+1:]]; part != nil {
			*part = s.Result == plimsoll.SettingPass
		}
		if s.Result == plimsoll.SettingFailed {
			advice = append(advice, s.Advice)
		}
	}
	row.Advice = strings.Join(advice, "\n")
	return row
}
