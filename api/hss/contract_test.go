package hss

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/api/base"
	"plimsoll/api/hss/contracttest"
)

// The copy of the contract's facts, and where developers may have the whole contract.
const (
	contractCopy = "testdata/contract.json"
	contractFile = "../../../shared/reference/hss-v5-image.openapi.json"
)

var update = flag.Bool("update", false, "renew the copy of the contract")

// TestCopyOfTheContractIsCurrent compares the copy with the contract, where that is available, and renews it with -update.
func TestCopyOfTheContractIsCurrent(t *testing.T) {
	raw, err := os.ReadFile(contractFile)
	if err != nil {
		t.Skipf("the whole contract is not at %s; the other tests use the copy", contractFile)
	}
	current := contracttest.Parse(t, raw).Encode(t)
	if *update {
		if err := os.WriteFile(contractCopy, current, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copied, err := os.ReadFile(contractCopy)
	if err != nil || !bytes.Equal(current, copied) {
		t.Errorf("%s is stale (%v): run go test ./api/hss -update", contractCopy, err)
	}
}

// TestContractRoutes compares the list of the contract's operations with the copy.
func TestContractRoutes(t *testing.T) {
	contract := contracttest.Read(t, contractCopy)
	var want []base.Route
	for path, methods := range contract.Paths {
		for method, op := range methods {
			want = append(want, base.Route{ID: op.ID, Method: strings.ToUpper(method), Path: path})
		}
	}
	byID := func(a, b base.Route) int { return strings.Compare(a.ID, b.ID) }
	got := slices.SortedFunc(slices.Values(contractRoutes), byID)
	slices.SortFunc(want, byID)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contract.go (-contract +got):\n%s", diff)
	}
}

// openAPI returns our description of the family.
func openAPI(t *testing.T) contracttest.Document {
	t.Helper()
	cfg := base.DefaultConfig()
	server := base.NewServer(cfg, nil, nil, Family(cfg, Roles{}))
	raw, err := json.Marshal(server.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	return contracttest.Parse(t, raw)
}

// comparison collects where our description and the contract differ, except for what is chosen.
type comparison struct {
	t              *testing.T
	contract, ours contracttest.Document
	operation      string
	used           map[Difference]bool
}

func (c *comparison) report(where, what, format string, args ...any) {
	c.t.Helper()
	for _, d := range differences {
		if d.Operation == c.operation && d.Where == where && d.What == what {
			c.used[d] = true
			return
		}
	}
	c.t.Errorf("%s: %s: %s: %s", c.operation, where, what, fmt.Sprintf(format, args...))
}

func TestOpenAPIKeepsTheContract(t *testing.T) {
	c := &comparison{t: t, contract: contracttest.Read(t, contractCopy), ours: openAPI(t), used: map[Difference]bool{}}
	for _, row := range operations {
		c.operation = row.ID
		path, method, want := c.contract.Find(row.ID)
		got := c.ours.Paths[row.Path][strings.ToLower(row.Method)]
		if path != row.Path || method != strings.ToLower(row.Method) || got.ID != row.ID {
			t.Errorf("%s: at %s %s, contract %s %s", row.ID, row.Method, row.Path, method, path)
			continue
		}
		c.compareParameters(got, want)
		c.compareSchemas("body", got.Body(), want.Body(), true)
		c.compareAnswers(got, want)
	}
	for _, d := range differences {
		if !c.used[d] {
			t.Errorf("a listed difference does not exist: %+v", d)
		}
	}
}

func (c *comparison) compareParameters(got, want contracttest.Operation) {
	left := map[string]int{}
	for i, p := range got.Parameters {
		left[p.In+" "+p.Name] = i
	}
	for _, p := range want.Parameters {
		where := p.In + " " + p.Name
		i, ok := left[where]
		if !ok {
			c.report(where, "missing", "the contract has it")
			continue
		}
		delete(left, where)
		if p.Required != got.Parameters[i].Required {
			c.report(where, "required", "%v, contract %v", got.Parameters[i].Required, p.Required)
		}
		c.compareSchemas(where, got.Parameters[i].Schema, p.Schema, true)
	}
	for where := range left {
		c.report(where, "added", "the contract has no such parameter")
	}
}

func (c *comparison) compareAnswers(got, want contracttest.Operation) {
	theirs, has := want.Answer()
	ours, answers := got.Answer()
	if answers && !has {
		c.report("response", "added", "the contract has no body")
		return
	}
	c.compareSchemas("response", ours, theirs, false)
}

// compareSchemas compares types in depth. Bounds that only ours has are from the operation's pages, which the
// machine-readable contract leaves out. A response may promise members that the contract leaves optional.
func (c *comparison) compareSchemas(where string, got, want contracttest.Schema, request bool) {
	got, want = c.ours.Resolve(got), c.contract.Resolve(want)
	if fmt.Sprint(got.Type) != fmt.Sprint(want.Type) || want.Format != "" && got.Format != want.Format {
		c.report(where, "type", "%v %s, contract %v %s", got.Type, got.Format, want.Type, want.Format)
	}
	if !sameValues(got.Enum, want.Enum) {
		c.report(where, "enum", "%v, contract %v", got.Enum, want.Enum)
	}
	if bad := otherBounds(got, want); bad != "" {
		c.report(where, "range", "%s", bad)
	}
	if request && !slices.Equal(slices.Sorted(slices.Values(got.Required)), slices.Sorted(slices.Values(want.Required))) {
		c.report(where, "required", "%v, contract %v", got.Required, want.Required)
	}
	if want.Items != nil && got.Items != nil {
		c.compareSchemas(where+"[]", *got.Items, *want.Items, request)
	}
	separator := "."
	if where == "body" || where == "response" {
		separator = " "
	}
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		member, ok := got.Properties[name]
		if !ok {
			c.report(where+separator+name, "missing", "the contract has it")
			continue
		}
		c.compareSchemas(where+separator+name, member, want.Properties[name], request)
	}
	for _, name := range slices.Sorted(maps.Keys(got.Properties)) {
		if _, ok := want.Properties[name]; !ok {
			c.report(where+separator+name, "added", "the contract has no such member")
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

// otherBounds compares the bounds that the contract states with ours.
func otherBounds(got, want contracttest.Schema) string {
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
