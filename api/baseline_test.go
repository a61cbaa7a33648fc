package api

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"plimsoll"
)

func testSetting(rule, check string, kind plimsoll.SettingKind, severity plimsoll.Severity, result plimsoll.SettingResult, standards ...plimsoll.Standard) plimsoll.Setting {
	s := plimsoll.Rule{
		ID: rule, Check: check, Kind: kind, Title: "About " + rule, Severity: severity, Standards: standards, Description: "Looks.", Advice: "Do.", References: []string{"a(1)", "b(2)"},
	}.Setting(result)
	if result == plimsoll.SettingFailed {
		s.Evidence = []string{"found in " + rule}
	}
	return s
}

// judge gives the scanned image of the stock results of baseline rules.
func (h *realServer) judge() {
	h.t.Helper()
	const practice, protection = plimsoll.StandardPractice, plimsoll.StandardProtection
	const pass, failed = plimsoll.SettingPass, plimsoll.SettingFailed
	weak := testSetting("password.weak", "Weak passwords", plimsoll.KindWeakPassword, plimsoll.SeverityCritical, failed, practice)
	today := testNow().Unix() / 86400
	weak.Passwords = []plimsoll.WeakPassword{
		{User: "ann", Scheme: "md5crypt", Masked: "1****6", Reason: "common password", Changed: today - 30}, {User: "root", Scheme: "bcrypt", Masked: "****", Reason: "made from the user name"},
	}
	_, err := h.store.SaveScan(h.t.Context(), plimsoll.ScanRecord{
		Tenant: plimsoll.Tenant{ProjectID: h.project.ID, EnterpriseProject: "0"}, Digest: digestA, ScannedAt: testNow(), Matcher: "m1",
		Settings: []plimsoll.Setting{
			testSetting("ssh.a", "SSH", plimsoll.KindConfiguration, plimsoll.SeverityCritical, failed, practice, protection),
			testSetting("ssh.b", "SSH", plimsoll.KindConfiguration, plimsoll.SeverityMedium, failed, practice),
			testSetting("ssh.c", "SSH", plimsoll.KindConfiguration, plimsoll.SeverityHigh, pass, practice, protection),
			testSetting("ssh.d", "SSH", plimsoll.KindConfiguration, plimsoll.SeverityHigh, plimsoll.SettingNotLooked, practice),
			testSetting("cron.a", "Cron jobs", plimsoll.KindConfiguration, plimsoll.SeverityLow, failed, practice, protection),
			testSetting("build.a", "Build commands", plimsoll.KindConfiguration, plimsoll.SeverityHigh, failed, practice),
			testSetting("file.a", "Files", plimsoll.KindConfiguration, plimsoll.SeverityLow, pass, practice),
			testSetting("file.b", "Files", plimsoll.KindConfiguration, plimsoll.SeverityLow, plimsoll.SettingNotApplicable, practice),
			weak,
			testSetting("complexity.length", "Password complexity", plimsoll.KindComplexity, plimsoll.SeverityLow, failed, practice),
			testSetting("complexity.digit", "Password complexity", plimsoll.KindComplexity, plimsoll.SeverityLow, pass, practice),
		},
	})
	must(h.t, err)
}

// TestUnsafeSettingsAreTheRulesThatFailed derives unsafe_setting_num again from the lists.
func TestUnsafeSettingsAreTheRulesThatFailed(t *testing.T) {
	h := newRealServer(t, "reader")
	h.stock()
	h.judge()
	token, base := h.signIn("reader", h.project.ID), "/v5/"+h.project.ID+"/image/"
	image := rows(h.get(token, base+"swr-repository?image_type=private_image&image_version=1.0", 200))[0]
	for _, one := range []string{"&image_id=" + digestA.Hex(), "&namespace=team&image_name=app&image_version=1.0", ""} {
		configs := h.get(token, base+"baseline/risk-configs?image_type=private_image&limit=200"+one, 200)
		rules, sum := map[string]bool{}, 0.0
		for _, c := range rows(configs) {
			path := base + "baseline/risk-configs/" + url.PathEscape(c["check_name"].(string)) + "/rules?image_type=private_image&limit=200&standard=" + c["standard"].(string) + one
			list := h.get(token, path, 200)
			failed := 0.0
			for _, r := range rows(list) {
				if r["scan_result"] == "failed" {
					rules[r["check_rule_id"].(string)] = true
					failed++
				}
			}
			if c["failed_rule_num"] != failed || c["check_rule_num"] != list["total_num"] {
				t.Errorf("%v, but its list is %v", c, list)
			}
			if c["standard"] == "hw_standard" {
				sum += failed
			}
		}
		if n := float64(len(rules)); image["unsafe_setting_num"] != n || sum != n || n != 4 {
			t.Errorf("%s: unsafe_setting_num %v, %v rules failed, %v of hw_standard", one, image["unsafe_setting_num"], slices.Collect(maps.Keys(rules)), sum)
		}
		statistic := h.get(token, base+"baseline/statistic?image_type=registry"+one, 200)
		weak := h.get(token, base+"baseline/weak-password-users?image_type=private_image"+strings.Replace(one, "image_version", "tag_name", 1), 200)
		if statistic["security_check"] != image["unsafe_setting_num"] || statistic["image_weak_pwd"] != weak["total_num"] || weak["total_num"] != 2.0 || statistic["pwd_policy"] != 1.0 {
			t.Errorf("statistic %v, weak passwords %v", statistic, weak)
		}
	}
	users := rows(h.get(token, base+"baseline/weak-password-users?image_type=registry&user_name=ann", 200))
	if len(users) != 1 || users[0]["duration"] != 30.0 || users[0]["desensitized_weak_passwords"] != "1****6" || users[0]["suggestion"] != "Common password. Do." || users[0]["image_type"] != "Other" {
		t.Errorf("users %v", users)
	}
	policies := rows(h.get(token, base+"baseline/password-complexity?image_type=private_image", 200))
	if len(policies) != 1 || policies[0]["min_length"] != false || policies[0]["number"] != true || policies[0]["image_version"] != "1.0" {
		t.Errorf("policies %v", policies)
	}
	detail := h.get(token, base+"baseline/check-rule/detail?image_type=private_image&check_name=SSH&check_type=SSH&check_rule_id=ssh.a&standard=cn_standard", 200)
	cases := detail["check_info_list"].([]any)
	if len(cases) != 1 || cases[0].(map[string]any)["current_value"] != "found in ssh.a" || detail["reference"] != "a(1)\nb(2)" {
		t.Errorf("detail %v", detail)
	}
	own := h.get(token, "/api/v1/images/"+strconv.FormatInt(int64(image["id"].(float64)), 10)+"/settings", 200)
	if own["total"] != 10.0 {
		t.Errorf("settings %v", own)
	}
}

func TestBaselineFilters(t *testing.T) {
	h := newRealServer(t, "reader", "other")
	h.stock()
	h.judge()
	token, base := h.signIn("reader", h.project.ID), "/v5/"+h.project.ID+"/image/baseline/"
	for query, want := range map[string]float64{
		"risk-configs?image_type=private_image": 6, "risk-configs?image_type=registry": 6, "risk-configs?image_type=shared_image": 0, "risk-configs?image_type=local": 0,
		"risk-configs?image_type=private_image&check_name=SSH": 2, "risk-configs?image_type=private_image&check_name=ssh": 0,
		"risk-configs?image_type=private_image&standard=hw_standard": 4, "risk-configs?image_type=private_image&severity=High": 3,
		"risk-configs?image_type=private_image&severity=Security": 1, "risk-configs?image_type=private_image&severity=Low": 2,
		"risk-configs?image_type=private_image&image_id=" + digestB.Hex(): 0, "risk-configs?image_type=private_image&image_id=nonsense": 0,
		"risk-configs?image_type=private_image&image_version=9": 6, "risk-configs?image_type=private_image&image_name=app&image_version=9": 0,
		"risk-configs?image_type=private_image&image_id=" + digestA.Hex() + "&image_name=wrong": 6,
		"risk-configs/SSH/rules?image_type=private_image&standard=hw_standard":                  3, "risk-configs/SSH/rules?image_type=private_image&standard=cn_standard": 2,
		"risk-configs/SSH/rules?image_type=private_image&standard=hw_standard&result_type=pass": 1, "risk-configs/SSH/rules?image_type=private_image&standard=hw_standard&severity=Critical": 1,
		"risk-configs/SSH/rules?image_type=private_image&standard=hw_standard&severity=High": 2, "risk-configs/SSH/rules?image_type=private_image&standard=hw_standard&check_rule_name=SSH.B": 1,
		"risk-configs/Cron%20jobs/rules?image_type=private_image&standard=hw_standard": 1, "risk-configs/None/rules?image_type=private_image&standard=hw_standard": 0,
		"weak-password-users?image_type=cicd": 0, "weak-password-users?image_type=registry&user_name=nobody": 0, "password-complexity": 1, "password-complexity?image_type=harbor": 0,
		"password-complexity?offset=1": 1, "../build-command-risks?image_type=registry": 1, "../build-command-risks?image_type=cicd": 0,
		"../build-command-risks?image_type=registry&risk_level=low": 0, "../build-command-risks?image_type=registry&risk_name=BUILD.A&risk_level=high": 1,
	} {
		if list := h.get(token, strings.Replace(base+query, "baseline/../", "", 1), 200); list["total_num"] != want {
			t.Errorf("%s: %v, want %v", query, list["total_num"], want)
		}
	}
	h.get(token, base+"check-rule/detail?image_type=private_image&check_name=SSH&check_type=SSH&check_rule_id=none&standard=cn_standard", 400)
	h.get(token, base+"risk-configs", 400)
	other := h.signIn("other", h.second.ID)
	if list := h.get(other, "/v5/"+h.second.ID+"/image/baseline/risk-configs?image_type=private_image&enterprise_project_id=all_granted_eps", 200); list["total_num"] != 0.0 {
		t.Errorf("another tenant sees %v", list)
	}
	h.get(other, base+"risk-configs?image_type=private_image", 403)
}
