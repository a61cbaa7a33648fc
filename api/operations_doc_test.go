package api

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"plimsoll/api/hss"
)

var update = flag.Bool("update", false, "renew docs/operations.md")

const operationsDoc = "../docs/operations.md"

// TestListOfOperationsIsCurrent compares docs/operations.md with the tables, and renews it with -update.
func TestListOfOperationsIsCurrent(t *testing.T) {
	want := operationsText()
	if *update {
		if err := os.WriteFile(operationsDoc, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(operationsDoc)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v): run go test ./api -run TestListOfOperations -update", operationsDoc, err)
	}
}

func operationsText() []byte {
	var out bytes.Buffer
	out.WriteString("# Operations\n\nWritten from the tables of operations (`api/*/operations.go`) by `go test ./api -run TestListOfOperations -update`.\n" +
		"A running server describes them in full at `/docs` and `/openapi.json`.\n")
	w := newFakes()
	all := families(DefaultConfig(), w.roles())
	for _, f := range all {
		fmt.Fprintf(&out, "\n## %s\n\n| operation | method | path | who | what |\n|---|---|---|---|---|\n", f.Title)
		for _, op := range f.Operations {
			fmt.Fprintf(&out, "| %s | %s | `%s` | %s | %s |\n", op.ID, op.Method, op.Path, strings.TrimSuffix(op.Access.String(), "."), op.Summary)
		}
	}
	contract := all[0]
	fmt.Fprintf(&out, "\n## Operations of the contract that are not offered\n\n%d of %d; they answer 501 to callers who are authenticated.\n\n| operation | method | path |\n|---|---|---|\n",
		len(contract.NotOffered), len(contract.NotOffered)+len(contract.Operations))
	for _, r := range contract.NotOffered {
		fmt.Fprintf(&out, "| %s | %s | `%s` |\n", r.ID, r.Method, r.Path)
	}
	out.WriteString("\n## Chosen differences from the contract\n\n| operation | where | what | why |\n|---|---|---|---|\n")
	for _, d := range hss.Differences() {
		fmt.Fprintf(&out, "| %s | `%s` | %s | %s |\n", d.Operation, d.Where, d.What, d.Why)
	}
	return out.Bytes()
}

// TestExampleInTheDocumentationIsReal looks for the code of docs/add-an-operation.md in the sources.
func TestExampleInTheDocumentationIsReal(t *testing.T) {
	doc, err := os.ReadFile("../docs/add-an-operation.md")
	if err != nil {
		t.Fatal(err)
	}
	var sources []byte
	for _, file := range []string{"v1/images.go", "v1/v1.go", "v1/operations.go", "roles_test.go"} {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, raw...)
	}
	parts := strings.Split(string(doc), "```go\n")[1:]
	for _, part := range parts {
		code, _, _ := strings.Cut(part, "```")
		if !bytes.Contains(sources, []byte(code)) {
			t.Errorf("not in the sources:\n%s", code)
		}
	}
	if len(parts) < 5 {
		t.Errorf("%d examples", len(parts))
	}
}
