package hss

import (
	"context"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/api/base"
)

type ruleDetailInput struct {
	BaselineQuery
	RegionHeader
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image" doc:"Where images come from"`
	Version   string `query:"image_version" maxLength:"65535" doc:"Tag; only beside image_name"`
	ImageID   string `query:"image_id" maxLength:"65535" doc:"Record id, or the hex digits of the manifest digest; wins over names"`
	Check     string `query:"check_name" required:"true" doc:"Baseline, exact"`
	Type      string `query:"check_type" required:"true" doc:"The same"`
	Rule      string `query:"check_rule_id" required:"true" doc:"Id of the rule"`
	Standard  string `query:"standard" required:"true" enum:"cn_standard,hw_standard" doc:"Standard"`
}

type ruleCase struct {
	What    string `json:"check_description" doc:"Image that the finding is about, and how the rule fared on it"`
	Current string `json:"current_value" doc:"What was found, one per line"`
	Suggest string `json:"suggest_value" doc:"What to do"`
}

type ruleDetailOutput struct {
	Body struct {
		Description string     `json:"description" doc:"What the rule looks at"`
		Reference   string     `json:"reference" doc:"Where it comes from, one per line"`
		Audit       string     `json:"audit" doc:"When it fails"`
		Remediation string     `json:"remediation" doc:"What to do"`
		Cases       []ruleCase `json:"check_info_list" nullable:"false" doc:"What was found, of the newest images on which it failed"`
	}
}

// maxCases limits the images in the detail of a rule.
const maxCases = 20

func (h *handlers) showRule(ctx context.Context, in *ruleDetailInput) (*ruleDetailOutput, error) {
	unknown := plimsoll.Errorf(plimsoll.NotFound, "no such rule")
	f, ok := in.filter(base.ScopeOf(ctx), in.ImageType, in.ImageID, in.Version)
	if !ok {
		return nil, unknown
	}
	tallies, err := h.roles.Settings.RuleTallies(ctx, f)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(tallies, func(t plimsoll.RuleTally) bool {
		return t.ID == in.Rule && t.Check == in.Check && in.Type == in.Check && slices.Contains(t.Standards, standardOf(in.Standard))
	})
	if at < 0 {
		return nil, unknown
	}
	rule := tallies[at].Rule
	out := &ruleDetailOutput{}
	out.Body.Description, out.Body.Audit, out.Body.Remediation = rule.Title, rule.Description, rule.Advice
	out.Body.Reference = strings.Join(rule.References, "\n")
	out.Body.Cases, err = h.listRuleCases(ctx, f, rule)
	return out, err
}

// listRuleCases lists images on which the rule failed, then those that it could not look at.
func (h *handlers) listRuleCases(ctx context.Context, f plimsoll.ImageFilter, rule plimsoll.Rule) ([]ruleCase, error) {
	list := []ruleCase{}
	for _, result := range [...]plimsoll.SettingResult{plimsoll.SettingFailed, plimsoll.SettingNotLooked} {
		f.Setting, f.Limit = &plimsoll.SettingFilter{Rule: rule.ID, Result: result}, maxCases
		page, err := h.roles.Settings.SettingImages(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			for _, s := range i.Settings {
				if s.Rule == rule.ID && s.Result == result && len(list) < maxCases {
					what := i.Image.Repository + ":" + i.Image.Tag + ": " + strings.ReplaceAll(string(result), "_", " ")
					list = append(list, ruleCase{What: what, Current: strings.Join(s.Evidence, "\n"), Suggest: s.Advice})
				}
			}
		}
	}
	return list, nil
}

type statisticInput struct {
	BaselineQuery
	RegionHeader
	ImageType string `query:"image_type" required:"true" enum:"private_image,shared_image,local_image,instance_image,registry,local" doc:"Where images come from"`
	Version   string `query:"image_version" minLength:"0" maxLength:"65535" doc:"Tag; only beside image_name"`
	ImageID   string `query:"image_id" minLength:"0" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest; wins over names"`
}

type statisticOutput struct {
	Body struct {
		Weak   int32 `json:"image_weak_pwd" minimum:"0" maximum:"2147483647" doc:"Rows of ListImageWeakPwdUsers"`
		Policy int32 `json:"pwd_policy" minimum:"0" maximum:"2147483647" doc:"Rows of ListImagePwdComplexity"`
		Failed int32 `json:"security_check" minimum:"0" maximum:"2147483647" doc:"Distinct rules that failed, over all baselines"`
	}
}

func (h *handlers) showBaselineStatistic(ctx context.Context, in *statisticInput) (*statisticOutput, error) {
	out := &statisticOutput{}
	f, ok := in.filter(base.ScopeOf(ctx), in.ImageType, in.ImageID, in.Version)
	if !ok {
		return out, nil
	}
	tallies, err := h.roles.Settings.RuleTallies(ctx, f)
	if err != nil {
		return nil, err
	}
	for _, t := range tallies {
		if t.Kind == plimsoll.KindConfiguration && t.Failed > 0 {
			out.Body.Failed++
		}
	}
	f.Limit = 1
	weak, err := h.roles.Settings.WeakAccounts(ctx, f, "")
	if err != nil {
		return nil, err
	}
	f.Setting, f.Limit = &plimsoll.SettingFilter{Kind: plimsoll.KindComplexity, Result: plimsoll.SettingFailed}, 1
	policies, err := h.roles.Images.Images(ctx, f)
	out.Body.Weak, out.Body.Policy = int32Of(weak.Total), int32Of(policies.Total)
	return out, err
}
