package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const contractFile = "../../shared/reference/hss-v5-image.openapi.json"

// schema is what the tests read of a JSON schema.
type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Format     string            `json:"format"`
	Enum       []any             `json:"enum"`
	Default    any               `json:"default"`
	Minimum    *float64          `json:"minimum"`
	Maximum    *float64          `json:"maximum"`
	MinLength  int               `json:"minLength"`
	MaxLength  *int              `json:"maxLength"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
}

type content map[string]struct {
	Schema schema `json:"schema"`
}

type operation struct {
	ID         string `json:"operationId"`
	Parameters []struct {
		Name     string `json:"name"`
		In       string `json:"in"`
		Required bool   `json:"required"`
		Schema   schema `json:"schema"`
	} `json:"parameters"`
	RequestBody struct {
		Content content `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content content `json:"content"`
	} `json:"responses"`
}

type document struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func (d document) resolve(s schema) schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

func (d document) operation(id string) (path, method string, op operation) {
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.ID == id {
				return path, method, op
			}
		}
	}
	return "", "", operation{}
}

func readContract(t *testing.T) document {
	t.Helper()
	b, err := os.ReadFile(contractFile)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("the vendor's contract is not at %s", contractFile)
	}
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func readOurs(t *testing.T) document {
	t.Helper()
	rec := ask(newWorld().api(t, nil), "GET", "/openapi.json", "", "")
	var d document
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func implemented() []string {
	return []string{"ListSwrImageRepository", "RunImageSynchronize", "BatchScanSwrImage", "ListImageVulnerabilities",
		"ListImageFiles", "ShowImageFilesStat", "ListImageBasicImage",
		"ListImageRiskConfigs", "ListImageRiskConfigRules", "ShowImageCheckRuleDetail", "ShowImageBaselineStatistic", "ListImageWeakPwdUsers",
		"ListImagePwdComplexity", "ShowExtendedWeakPassword", "ChangeExtendedWeakPassword", "ListImageNonCompliantApp", "ListImageBuildCommandRisks",
		"ListVulnerabilityCve", "HandleImageVulnerability",
		"ListImageSensitive", "ListImageSensitiveInfo", "ChangeSensitiveInfo", "ShowFilePathWhiteLists", "ChangeFilePathWhiteLists",
		"ShowFilePathWhiteDetail", "ChangeFilePathWhiteDetail", "ListImageMalware", "ListGlobalMalware"}
}

// comparison collects where ours and the contract differ and strikes out what was chosen.
type comparison struct {
	t           *testing.T
	theirs, our document
	operation   string
	used        map[Difference]bool
}

func (c *comparison) differ(where, what, format string, args ...any) {
	c.t.Helper()
	for _, d := range Differences() {
		if d.Operation == c.operation && d.Where == where && d.What == what {
			c.used[d] = true
			return
		}
	}
	c.t.Errorf("%s: %s: %s: %s", c.operation, where, what, fmt.Sprintf(format, args...))
}

func TestOpenAPIKeepsTheContract(t *testing.T) {
	c := &comparison{t: t, theirs: readContract(t), our: readOurs(t), used: map[Difference]bool{}}
	for _, id := range implemented() {
		c.operation = id
		path, method, want := c.theirs.operation(id)
		got, ok := c.our.Paths[path][method]
		if !ok || got.ID != id {
			t.Errorf("%s: not at %s %s", id, method, path)
			continue
		}
		c.parameters(got, want)
		c.schemas("body", got.RequestBody.Content["application/json"].Schema, want.RequestBody.Content["application/json"].Schema, true)
		c.answers(got, want)
	}
	for _, d := range Differences() {
		if !c.used[d] {
			t.Errorf("a listed difference does not exist: %+v", d)
		}
	}
}

func (c *comparison) parameters(got, want operation) {
	left := map[string]int{}
	for i, p := range got.Parameters {
		left[p.In+" "+p.Name] = i
	}
	for _, p := range want.Parameters {
		where := p.In + " " + p.Name
		i, ok := left[where]
		if !ok {
			c.differ(where, "missing", "the contract has it")
			continue
		}
		delete(left, where)
		if p.Required != got.Parameters[i].Required {
			c.differ(where, "required", "%v, contract %v", got.Parameters[i].Required, p.Required)
		}
		c.schemas(where, got.Parameters[i].Schema, p.Schema, true)
	}
	for where := range left {
		c.differ(where, "added", "the contract has no such parameter")
	}
}

func (c *comparison) answers(got, want operation) {
	theirs, has := want.Responses["200"].Content["application/json"]
	ours, answers := got.Responses["200"].Content["application/json"]
	if answers && !has {
		c.differ("response", "added", "the contract has no body")
		return
	}
	c.schemas("response", ours.Schema, theirs.Schema, false)
}

// schemas compares types in depth. Bounds that only ours has are from the operation's pages, which the
// machine-readable contract leaves out. A response may promise members that the contract leaves optional.
func (c *comparison) schemas(where string, got, want schema, request bool) {
	got, want = c.our.resolve(got), c.theirs.resolve(want)
	if fmt.Sprint(got.Type) != fmt.Sprint(want.Type) || want.Format != "" && got.Format != want.Format {
		c.differ(where, "type", "%v %s, contract %v %s", got.Type, got.Format, want.Type, want.Format)
	}
	if !sameValues(got.Enum, want.Enum) {
		c.differ(where, "enum", "%v, contract %v", got.Enum, want.Enum)
	}
	if bad := narrower(got, want); bad != "" {
		c.differ(where, "range", "%s", bad)
	}
	if request && !slices.Equal(slices.Sorted(slices.Values(got.Required)), slices.Sorted(slices.Values(want.Required))) {
		c.differ(where, "required", "%v, contract %v", got.Required, want.Required)
	}
	if want.Items != nil && got.Items != nil {
		c.schemas(where+"[]", *got.Items, *want.Items, request)
	}
	join := func(name string) string {
		return strings.TrimPrefix(strings.Replace(where+"."+name, " .", " ", 1), ".")
	}
	if where == "body" || where == "response" {
		join = func(name string) string { return where + " " + name }
	}
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		sub, ok := got.Properties[name]
		if !ok {
			c.differ(join(name), "missing", "the contract has it")
			continue
		}
		c.schemas(join(name), sub, want.Properties[name], request)
	}
	for _, name := range slices.Sorted(maps.Keys(got.Properties)) {
		if _, ok := want.Properties[name]; !ok {
			c.differ(join(name), "added", "the contract has no such member")
		}
	}
}

func sameValues(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for _, v := range a {
		if !slices.Contains(b, v) {
			return false
		}
	}
	return true
}

// narrower holds the bounds that the contract states against ours.
func narrower(got, want schema) string {
	number := func(p *float64) string {
		if p == nil {
			return "none"
		}
		return fmt.Sprint(*p)
	}
	switch {
	case want.Minimum != nil && number(got.Minimum) != number(want.Minimum):
		return "minimum " + number(got.Minimum) + ", contract " + number(want.Minimum)
	case want.Maximum != nil && number(got.Maximum) != number(want.Maximum):
		return "maximum " + number(got.Maximum) + ", contract " + number(want.Maximum)
	case want.MinLength != got.MinLength && want.MaxLength != nil:
		return fmt.Sprintf("minLength %d, contract %d", got.MinLength, want.MinLength)
	case want.MaxLength != nil && (got.MaxLength == nil || *got.MaxLength != *want.MaxLength):
		return fmt.Sprintf("maxLength differs from %d", *want.MaxLength)
	case want.Default != nil && got.Default != want.Default:
		return fmt.Sprintf("default %v, contract %v", got.Default, want.Default)
	}
	return ""
}

// check holds a real answer against the contract's schema: unknown members and wrong types fail.
func (d document) check(operation, where string, s schema, value any) []string {
	s = d.resolve(s)
	allowed := func(where, what string) bool {
		return slices.ContainsFunc(Differences(), func(x Difference) bool {
			return x.Operation == operation && x.Where == "response "+where && x.What == what
		})
	}
	wrong := func(format string, args ...any) []string {
		return []string{fmt.Sprintf("%s: %s", where, fmt.Sprintf(format, args...))}
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) && !allowed(where, "enum") {
		return wrong("%v is not one of %v", value, s.Enum)
	}
	switch v := value.(type) {
	case map[string]any:
		if s.Type != "object" {
			return wrong("an object, contract %v", s.Type)
		}
		var bad []string
		for name, member := range v {
			sub, known := s.Properties[name]
			at := strings.TrimPrefix(where+"."+name, ".")
			if !known {
				if !allowed(at, "added") {
					bad = append(bad, at+": unknown to the contract")
				}
				continue
			}
			bad = append(bad, d.check(operation, at, sub, member)...)
		}
		return bad
	case []any:
		if s.Type != "array" {
			return wrong("a list, contract %v", s.Type)
		}
		var bad []string
		for _, item := range v {
			bad = append(bad, d.check(operation, where+"[]", *s.Items, item)...)
		}
		return bad
	case string:
		if s.Type != "string" {
			return wrong("a string, contract %v", s.Type)
		}
	case float64:
		if s.Type != "integer" || v != float64(int64(v)) {
			return wrong("number %v, contract %v", v, s.Type)
		}
	case bool:
		if s.Type != "boolean" {
			return wrong("a boolean, contract %v", s.Type)
		}
	default:
		return wrong("%T", value)
	}
	return nil
}
