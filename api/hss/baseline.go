package hss

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/api/base"
)

// SettingLister returns results of baseline rules.
type SettingLister interface {
	// RuleTallies counts over the images of a filter.
	RuleTallies(ctx context.Context, f plimsoll.ImageFilter) ([]plimsoll.RuleTally, error)

	ImageSettings(ctx context.Context, img plimsoll.Image) ([]plimsoll.Setting, error)

	// SettingImages returns the images of a filter by a result of settings, with their settings of the kind and rule that it names.
	SettingImages(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.ImageSettings], error)

	// WeakAccounts returns accounts with guessed passwords in images of a filter; account is exact, "" = any.
	WeakAccounts(ctx context.Context, f plimsoll.ImageFilter, account string) (plimsoll.Page[plimsoll.WeakAccount], error)
}

// The standards of the contract.
const (
	standardHW = "hw_standard" // the vendor's name for recommended practice
	standardCN = "cn_standard" // and for multi-level protection
)

func standardOf(name string) plimsoll.Standard {
	if name == standardCN {
		return plimsoll.StandardProtection
	}
	return plimsoll.StandardPractice
}

// threatOf writes the severity of a rule.
func threatOf(s plimsoll.Severity) string {
	switch s {
	case plimsoll.SeverityCritical, plimsoll.SeverityHigh:
		return "High"
	case plimsoll.SeverityMedium:
		return "Medium"
	default:
		return "Low"
	}
}

const threatNone = "Security" // of a baseline of which no rule failed

// BaselineQuery names the images that a list about settings is over: all of a type, or some of them.
type BaselineQuery struct {
	ProjectPath
	Namespace  string `query:"namespace" minLength:"0" maxLength:"65535" doc:"First segment of the repository path"`
	ImageName  string `query:"image_name" minLength:"0" maxLength:"65535" doc:"The rest of the repository path"`
	InstanceID string `query:"instance_id" minLength:"0" maxLength:"128" doc:"Id of the enterprise instance"`
}

// filter limits to images of a type. An id wins over name and tag; a tag without a name is
// not looked at. The second result is false where nothing can match.
func (q *BaselineQuery) filter(scope base.Scope, imageType, id, tag string) (plimsoll.ImageFilter, bool) {
	f := plimsoll.ImageFilter{ProjectID: q.ProjectID, EnterpriseProjects: scope.EnterpriseProjects, Namespace: q.Namespace, InstanceID: q.InstanceID}
	switch imageType {
	case "":
	case "registry":
		f.Origins = []plimsoll.Origin{plimsoll.OriginPrivate, plimsoll.OriginShared, plimsoll.OriginInstance}
	case "local":
		f.Origins = []plimsoll.Origin{plimsoll.OriginLocal}
	default:
		origin, ok := originOf(imageType)
		if !ok {
			return f, false
		}
		f.Origins = []plimsoll.Origin{origin}
		if imageType == typeHarbor {
			f.RegistryKind = plimsoll.RegistryHarbor
		}
	}
	if id == "" {
		if f.Name = q.ImageName; f.Name != "" {
			f.Tag = tag
		}
		return f, true
	}
	if d, err := plimsoll.ParseDigest("sha256:" + strings.TrimPrefix(id, "sha256:")); err == nil {
		f.Digest = d
		return f, true
	}
	record, err := strconv.ParseInt(id, 10, 64)
	f.IDs = []int64{record}
	return f, err == nil
}

// ruleTallies counts the results of rules; nil where nothing can match.
func (h *handlers) ruleTallies(ctx context.Context, q *BaselineQuery, imageType, id, tag string) ([]plimsoll.RuleTally, error) {
	f, ok := q.filter(base.ScopeOf(ctx), imageType, id, tag)
	if !ok {
		return nil, nil
	}
	return h.roles.Settings.RuleTallies(ctx, f)
}

type riskConfigsInput struct {
	BaselineQuery
	PageQuery
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image,registry,local" doc:"Where images come from"`
	Version   string `query:"image_version" maxLength:"65535" doc:"Tag; only beside image_name"`
	ImageID   string `query:"image_id" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest; wins over names"`
	Check     string `query:"check_name" doc:"Baseline, exact"`
	Severity  string `query:"severity" enum:"Security,Low,Medium,High" doc:"Worst severity of the rules that failed; Security = none"`
	Standard  string `query:"standard" enum:"cn_standard,hw_standard" doc:"Standard"`
}

type riskConfig struct {
	Severity string `json:"severity" enum:"Security,Low,Medium,High" doc:"Worst severity of the rules that failed; Security = none"`
	Check    string `json:"check_name" doc:"Baseline"`
	Type     string `json:"check_type" minLength:"0" maxLength:"256" doc:"The same"`
	Standard string `json:"standard" enum:"cn_standard,hw_standard" doc:"Standard"`
	Rules    int32  `json:"check_rule_num" minimum:"0" maximum:"2097152" doc:"Rules that passed or failed"`
	Failed   int32  `json:"failed_rule_num" minimum:"0" maximum:"2097152" doc:"Rules that failed on some image"`
	About    string `json:"check_type_desc" minLength:"0" maxLength:"65534" doc:"What the baseline is about"`
}

type riskConfigsOutput struct {
	Body struct {
		Total int32        `json:"total_num" minimum:"0" maximum:"2147483647" doc:"Matches before paging"`
		Rows  []riskConfig `json:"data_list" nullable:"false" doc:"One row per baseline and standard, by name"`
	}
}

type riskRulesInput struct {
	BaselineQuery
	PageQuery
	RegionHeader
	Check     string `path:"check_name" doc:"Baseline, exact"`
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image" doc:"Where images come from"`
	Version   string `query:"image_version" maxLength:"65535" doc:"Tag; only beside image_name"`
	ImageID   string `query:"image_id" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest; wins over names"`
	Standard  string `query:"standard" required:"true" enum:"cn_standard,hw_standard" doc:"Standard"`
	Result    string `query:"result_type" enum:"pass,failed" doc:"How the rule fared"`
	Name      string `query:"check_rule_name" doc:"Part of the rule's title, any case"`
	Severity  string `query:"severity" enum:"Security,Low,Medium,High,Critical" doc:"Severity of the rule; High is with critical ones, Critical without"`
}

type riskRule struct {
	Severity string `json:"severity" enum:"Security,Low,Medium,High" doc:"Severity of the rule"`
	Check    string `json:"check_name" doc:"Baseline"`
	Type     string `json:"check_type" doc:"The same"`
	Standard string `json:"standard" enum:"cn_standard,hw_standard" doc:"Standard"`
	Name     string `json:"check_rule_name" doc:"What is wrong when the rule fails"`
	ID       string `json:"check_rule_id" doc:"Id of the rule"`
	Result   string `json:"scan_result" enum:"pass,failed" doc:"failed on some image, or pass on all it applies to"`
}

type riskRulesOutput struct {
	Body struct {
		Total int32      `json:"total_num" minimum:"0" doc:"Matches before paging"`
		Rows  []riskRule `json:"data_list" nullable:"false" doc:"Rules by id"`
	}
}

func (h *handlers) listRiskConfigs(ctx context.Context, in *riskConfigsInput) (*riskConfigsOutput, error) {
	tallies, err := h.ruleTallies(ctx, &in.BaselineQuery, in.ImageType, in.ImageID, in.Version)
	if err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(riskConfigs(tallies), func(r riskConfig) bool {
		return in.Check != "" && r.Check != in.Check || in.Severity != "" && r.Severity != in.Severity || in.Standard != "" && r.Standard != in.Standard
	})
	out := &riskConfigsOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}

// riskConfigs gathers rules, which are sorted by check, into baselines.
func riskConfigs(tallies []plimsoll.RuleTally) []riskConfig {
	rows := []riskConfig{}
	worst := map[string]plimsoll.Severity{}
	for _, name := range [...]string{standardCN, standardHW} {
		for _, t := range tallies {
			if t.Kind != plimsoll.KindConfiguration || t.Passed+t.Failed == 0 || !slices.Contains(t.Standards, standardOf(name)) {
				continue
			}
			key := name + t.Check
			at := slices.IndexFunc(rows, func(r riskConfig) bool { return r.Standard == name && r.Check == t.Check })
			if at < 0 {
				at = len(rows)
				rows = append(rows, riskConfig{Severity: threatNone, Check: t.Check, Type: t.Check, Standard: name, About: "Rules about: " + t.Check})
				worst[key] = plimsoll.SeverityUnknown
			}
			rows[at].Rules++
			if t.Failed == 0 {
				continue
			}
			rows[at].Failed++
			if rows[at].Failed == 1 || slices.Index(plimsoll.Severities(), t.Severity) < slices.Index(plimsoll.Severities(), worst[key]) {
				worst[key] = t.Severity
				rows[at].Severity = threatOf(t.Severity)
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b riskConfig) int { return strings.Compare(a.Check, b.Check) })
	return rows
}

func (h *handlers) listRiskRules(ctx context.Context, in *riskRulesInput) (*riskRulesOutput, error) {
	tallies, err := h.ruleTallies(ctx, &in.BaselineQuery, in.ImageType, in.ImageID, in.Version)
	if err != nil {
		return nil, err
	}
	rows := []riskRule{}
	for _, t := range tallies {
		if t.Check != in.Check || t.Kind != plimsoll.KindConfiguration || t.Passed+t.Failed == 0 || !slices.Contains(t.Standards, standardOf(in.Standard)) {
			continue
		}
		row := riskRule{Severity: threatOf(t.Severity), Check: t.Check, Type: t.Check, Standard: in.Standard, Name: t.Title, ID: t.ID, Result: string(plimsoll.SettingPass)}
		if t.Failed > 0 {
			row.Result = string(plimsoll.SettingFailed)
		}
		severe := in.Severity == "" || in.Severity == row.Severity || in.Severity == "Critical" && t.Severity == plimsoll.SeverityCritical
		if severe && (in.Result == "" || in.Result == row.Result) && containsFold(row.Name, in.Name) {
			rows = append(rows, row)
		}
	}
	out := &riskRulesOutput{}
	out.Body.Total, out.Body.Rows = int32Of(len(rows)), rowsOfPage(rows, in.PageQuery)
	return out, nil
}
