package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// goldenOperation is a GET operation of the OpenAPI document.
type goldenOperation struct {
	id, path   string
	Parameters []struct {
		Name     string
		In       string
		Required bool
		Schema   struct {
			Type any
			Enum []any
		}
	}
}

// goldenCall is a request to an operation. Its key names the operation, its arguments and
// its query, but no path, so that it outlives a move of the operation.
type goldenCall struct {
	key, path string
	template  string // the operation's path, if it is pinned
}

// goldenRule is a rule of a baseline in the contract's terms.
type goldenRule struct {
	Check    string `json:"check_name"`
	Standard string `json:"standard"`
	ID       string `json:"check_rule_id"`
}

// goldenKinds are what path parameters besides the project take, by operation.
var goldenKinds = map[string][]string{
	"ShowEnterpriseProject": {"enterprise"}, "ShowProject": {"project"}, "ListImageRiskConfigRules": {"check"}, "ListVulnerabilityCve": {"cve"},
	"ListImageBasicImage": {"image"}, "ListImageFiles": {"image"}, "ShowImageFilesStat": {"image"}, "ListImageMalware": {"image"},
	"ListImageNonCompliantApp": {"image"}, "ListImageSensitive": {"image"}, "ListImageVulnerabilities": {"image"},

	"showImage": {"record"}, "listPackages": {"image"}, "listVulnerabilitiesOfImage": {"image"}, "listImageFindings": {"image"}, "listImageHistory": {"image"}, "explainVulnerability": {"image", "cve"}, "showTask": {"task"},
	"listBaseImages": {"record"}, "showImageFiles": {"record"}, "listSecrets": {"record"}, "listSettings": {"record"},
}

// goldenSample is the image whose lists are asked with filters too: it has the most findings.
const goldenSample = "legacy/ftp:old"

// goldenQueries are queries besides those that goldenDemo.queries makes of the OpenAPI
// document. {image} is the id of the sample.
var goldenQueries = map[string][]string{
	"ListSwrImageRepository": {
		"image_type=private_image&limit=3", "image_type=private_image&limit=2&offset=3", "image_type=private_image&limit=4&offset=9",
		"image_type=private_image&offset=13", "image_type=private_image&namespace=shop", "image_type=private_image&image_name=web",
		"image_type=private_image&image_name=no-such-image", "image_type=private_image&image_version=1.4.0", "image_type=private_image&image_size=1500",
		"image_type=private_image&start_latest_update_time=1774603613000", "image_type=private_image&end_latest_update_time=1774603613000",
		"image_type=private_image&start_latest_scan_time=1", "image_type=private_image&end_latest_scan_time=1",
		"image_type=private_image&namespace=shop&has_vul=true&latest_version=true", "image_type=private_image&has_vul=true&has_unsafe_setting=true&has_malicious_file=true",
		"image_type=private_image&scan_status=success&namespace=legacy&image_name=ftp&image_version=old", "image_type=private_image&instance_id=none",
		"image_type=no_such_type", "image_type=private_image&limit=201", "image_type=private_image&offset=-1", "image_type=private_image&enterprise_project_id=none",
	},
	"ListImageVulnerabilities": {
		"image_type=private_image&limit=2&offset=1", "image_type=private_image&vul_id=CVE-2099-1003", "image_type=private_image&app_name=libc6",
		"image_type=private_image&namespace=legacy&image_name=ftp&tag_name=old", "image_type=private_image&namespace=shop", "image_type=private_image&limit=0",
	},
	"ListImageFiles":     {"image_type=private_image&limit=2&offset=1", "image_type=private_image&file_name=passwd"},
	"ListImageSensitive": {"image_type=private_image&file_path=etc"},
	"ListGlobalMalware":  {"image_type=registry&file_name=eicar", "image_type=registry&limit=1&offset=1"},
	"ListImageRiskConfigs": {
		"image_type=private_image&image_id={image}", "image_type=private_image&check_name=Accounts", "image_type=private_image&limit=2&offset=1",
		"image_type=private_image&namespace=legacy&image_name=ftp&image_version=old",
	},
	"ListImageRiskConfigRules": {
		"image_type=private_image&image_id={image}&limit=200&standard=cn_standard", "image_type=private_image&image_id={image}&limit=200&standard=hw_standard",
	},
	"ShowImageBaselineStatistic": {"image_type=private_image&image_id={image}", "image_type=private_image&namespace=shop"},
	"ListImageWeakPwdUsers":      {"image_type=private_image&image_id={image}"},
	"ShowTokenGET":               {"nocatalog=1"},
	"ListProjects":               {"name=default", "name=none", "page=1&per_page=1", "page=2&per_page=1"},
	"ListEnterpriseProject":      {"id=0", "name=default", "name=none", "status=1", "limit=1&offset=1"},

	"listImages": {
		"limit=3", "limit=2&after=none", "namespace=shop", "name=web", "tag=1.4.0", "repository=legacy%2Fftp", "registry_id=1", "registry_id=9",
		"digest=sha256:{image}", "origin=private&state=done&has_vulnerability=true&latest=true", "updated_from=2026-03-27T00:00:00Z", "updated_to=2026-03-27T00:00:00Z",
		"scanned_to=2020-01-01T00:00:00Z", "limit=100000", "has_malware=maybe",
	},
	"listImageFindings": {"limit=1", "vulnerability=CVE-2099-1003", "limit=100000"},
	"listImageHistory":  {"limit=1", "vulnerability=CVE-2099-1003"},
	"exportVEX":         {"image_id={image}"},
	"listTasks":         {"limit=1", "after=none"},
}

// document reads the GET operations from the OpenAPI document of the running server.
func (d *goldenDemo) document(t *testing.T) map[string]goldenOperation {
	t.Helper()
	var document struct {
		Paths map[string]map[string]json.RawMessage
	}
	resp, raw := d.get(t, "/openapi.json")
	if err := json.Unmarshal([]byte(raw), &document); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("/openapi.json: %s %v", resp.Status, err)
	}
	out := map[string]goldenOperation{}
	for path, methods := range document.Paths {
		if methods["get"] == nil {
			continue
		}
		op := goldenOperation{path: path}
		var id struct{ OperationID string }
		for _, into := range []any{&op, &id} {
			if err := json.Unmarshal(methods["get"], into); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
		op.id = id.OperationID
		out[op.id] = op
	}
	return out
}

// pinned reports whether the contract fixes the path; the paths of our own operations may change.
func (op goldenOperation) pinned() bool {
	return slices.ContainsFunc([]string{"/v1.0/", "/v3/", "/v5/"}, func(prefix string) bool { return strings.HasPrefix(op.path, prefix) })
}

// fill puts the project and the arguments, in their order, into the path.
func (op goldenOperation) fill(t *testing.T, project string, arguments []goldenArgument) string {
	t.Helper()
	segments := strings.Split(op.path, "/")
	for i, segment := range segments {
		switch {
		case !strings.HasPrefix(segment, "{"):
		case strings.HasPrefix(segment, "{project"):
			segments[i] = project
		case len(arguments) == 0:
			t.Fatalf("goldenKinds does not say what %s takes for %s", op.id, segment)
		default:
			segments[i], arguments = url.PathEscape(arguments[0].value), arguments[1:]
		}
	}
	return strings.Join(segments, "/")
}

// collectArguments takes the values of path parameters from the demo's own lists, and adds
// values that do not exist.
func (d *goldenDemo) collectArguments(t *testing.T) {
	t.Helper()
	var images struct {
		DataList []struct {
			ID        int    `json:"id"`
			Namespace string `json:"namespace"`
			Name      string `json:"image_name"`
			Version   string `json:"image_version"`
			Image     string `json:"image_id"`
		} `json:"data_list"`
	}
	d.decode(t, "ListSwrImageRepository", "image_type=private_image&limit=200", &images)
	d.arguments = map[string][]goldenArgument{
		"enterprise": {{"0", "0"}, {"none", "none"}}, "project": {{"{project}", d.project}, {"none", "none"}},
		"image": {{"none", strings.Repeat("0", 64)}}, "record": {{"none", "999"}}, "task": {{"2", "2"}, {"3", "3"}, {"none", "999"}},
		"cve": {{"DEMO-CVE-2099-1001", "DEMO-CVE-2099-1001"}, {"none", "none"}}, "check": {{"none", "none"}},
	}
	for _, i := range images.DataList {
		shown := i.Namespace + "/" + i.Name + ":" + i.Version
		d.arguments["image"] = append(d.arguments["image"], goldenArgument{shown, i.Image})
		d.arguments["record"] = append(d.arguments["record"], goldenArgument{shown, strconv.Itoa(i.ID)})
	}
	for n := 1001; n <= 1008; n++ {
		cve := fmt.Sprintf("CVE-2099-%d", n)
		d.arguments["cve"] = append(d.arguments["cve"], goldenArgument{cve, cve})
	}
	var checks struct {
		DataList []goldenRule `json:"data_list"`
	}
	d.decode(t, "ListImageRiskConfigs", "image_type=private_image&limit=200", &checks)
	for _, check := range checks.DataList {
		argument := goldenArgument{check.Check, check.Check}
		if !slices.Contains(d.arguments["check"], argument) {
			d.arguments["check"] = append(d.arguments["check"], argument)
		}
		d.collectRules(t, check)
	}
}

func (d *goldenDemo) collectRules(t *testing.T, check goldenRule) {
	t.Helper()
	var rules struct {
		DataList []goldenRule `json:"data_list"`
	}
	op := d.operations["ListImageRiskConfigRules"]
	path := op.fill(t, d.project, []goldenArgument{{check.Check, check.Check}}) + "?image_type=private_image&limit=200&standard=" + check.Standard
	if _, raw := d.get(t, path); json.Unmarshal([]byte(raw), &rules) != nil {
		t.Fatalf("%s: %s", path, raw)
	}
	d.rules = append(d.rules, rules.DataList...)
}

// calls returns the calls of every operation.
func (d *goldenDemo) calls(t *testing.T) []goldenCall {
	t.Helper()
	var out []goldenCall
	for _, id := range slices.Sorted(maps.Keys(d.operations)) {
		op := d.operations[id]
		lists := [][]goldenArgument{nil}
		for _, kind := range goldenKinds[id] {
			var longer [][]goldenArgument
			for _, list := range lists {
				for _, argument := range d.arguments[kind] {
					longer = append(longer, append(slices.Clone(list), argument))
				}
			}
			lists = longer
		}
		for _, list := range lists {
			queries := []string{op.query("", "")}
			if len(list) == 0 || list[0].shown == goldenSample || goldenKinds[id][0] == "check" {
				queries = append(queries, d.queries(op)...)
			}
			for _, query := range queries {
				out = append(out, d.call(t, op, list, query))
			}
		}
	}
	return out
}

func (d *goldenDemo) call(t *testing.T, op goldenOperation, arguments []goldenArgument, query string) goldenCall {
	t.Helper()
	sample := d.arguments["image"][slices.IndexFunc(d.arguments["image"], func(a goldenArgument) bool { return a.shown == goldenSample })]
	key := []string{op.id}
	for _, argument := range arguments {
		key = append(key, argument.shown)
	}
	call := goldenCall{path: op.fill(t, d.project, arguments)}
	if query != "" {
		key = append(key, "?"+query)
		call.path += "?" + strings.ReplaceAll(query, "{image}", sample.value)
	}
	if op.pinned() {
		call.template = op.path
	}
	call.key = strings.Join(key, " ")
	return call
}

// query has a value for each required parameter that lists its values, the longest page,
// and one more parameter if name is not empty.
func (op goldenOperation) query(name, value string) string {
	values := url.Values{}
	for _, p := range op.Parameters {
		switch {
		case p.In != "query":
		case p.Name == "limit":
			values.Set(p.Name, "200")
		case p.Required && slices.Contains(p.Schema.Enum, any("private_image")):
			values.Set(p.Name, "private_image")
		case p.Required && len(p.Schema.Enum) > 0:
			values.Set(p.Name, fmt.Sprint(p.Schema.Enum[0]))
		}
	}
	if name != "" {
		values.Set(name, value)
	}
	return values.Encode()
}

// queries are one per value of each parameter that lists its values or is a truth value, those
// of goldenQueries, and one per rule for the operation that shows a rule.
func (d *goldenDemo) queries(op goldenOperation) []string {
	out := slices.Clone(goldenQueries[op.id])
	for _, p := range op.Parameters {
		values := p.Schema.Enum
		if p.Schema.Type == "boolean" {
			values = []any{true, false}
		}
		for _, value := range values {
			if query := op.query(p.Name, fmt.Sprint(value)); p.In == "query" && query != op.query("", "") {
				out = append(out, query)
			}
		}
	}
	if op.id == "ShowImageCheckRuleDetail" {
		for _, rule := range d.rules {
			query := url.Values{"check_name": {rule.Check}, "check_type": {rule.Check}, "standard": {rule.Standard}, "check_rule_id": {rule.ID}}
			out = append(out, "image_type=private_image&image_id={image}&"+query.Encode())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
