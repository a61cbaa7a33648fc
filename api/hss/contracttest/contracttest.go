// Package contracttest reads the facts of the vendor's contract, for tests: methods, paths, parameters with types and
// bounds, and the members of bodies. The copy in api/hss/testdata holds facts only, no text of the vendor.
package contracttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// Schema is what the tests compare of a JSON schema.
type Schema struct {
	Ref        string            `json:"$ref,omitempty"`
	Type       any               `json:"type,omitempty"`
	Format     string            `json:"format,omitempty"`
	Enum       []any             `json:"enum,omitempty"`
	Default    any               `json:"default,omitempty"`
	Minimum    *float64          `json:"minimum,omitempty"`
	Maximum    *float64          `json:"maximum,omitempty"`
	MinLength  int               `json:"minLength,omitempty"`
	MaxLength  *int              `json:"maxLength,omitempty"`
	Required   []string          `json:"required,omitempty"`
	Items      *Schema           `json:"items,omitempty"`
	Properties map[string]Schema `json:"properties,omitempty"`
}

// Media is a body by media type.
type Media map[string]struct {
	Schema Schema `json:"schema"`
}

// Parameter is a parameter in the path, the query or a header.
type Parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required,omitempty"`
	Schema   Schema `json:"schema"`
}

// Operation is one operation of an OpenAPI document.
type Operation struct {
	ID          string      `json:"operationId"`
	Parameters  []Parameter `json:"parameters,omitempty"`
	RequestBody *struct {
		Content Media `json:"content"`
	} `json:"requestBody,omitempty"`
	Responses map[string]struct {
		Content Media `json:"content,omitempty"`
	} `json:"responses"`
}

// Body returns the schema of the request body, if there is one.
func (op Operation) Body() Schema {
	if op.RequestBody == nil {
		return Schema{}
	}
	return op.RequestBody.Content["application/json"].Schema
}

// Answer returns the schema of the answer to a success; false if it has no body.
func (op Operation) Answer() (Schema, bool) {
	media, ok := op.Responses["200"].Content["application/json"]
	return media.Schema, ok
}

// Document is an OpenAPI document, or the copy of the contract.
type Document struct {
	Paths      map[string]map[string]Operation `json:"paths"`
	Components struct {
		Schemas map[string]Schema `json:"schemas"`
	} `json:"components"`
}

// Read reads a document from a file.
func Read(t *testing.T, file string) Document {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return Parse(t, raw)
}

// Parse reads a document; what is no fact that tests compare is dropped.
func Parse(t *testing.T, raw []byte) Document {
	t.Helper()
	var d Document
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// Resolve follows a reference.
func (d Document) Resolve(s Schema) Schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return d.Components.Schemas[name]
	}
	return s
}

// Find returns an operation by id, with its path and its method in lower case; "" if there is none.
func (d Document) Find(id string) (path, method string, op Operation) {
	for path, methods := range d.Paths {
		for method, op := range methods {
			if op.ID == id {
				return path, method, op
			}
		}
	}
	return "", "", Operation{}
}

// Encode writes a document with one line per operation and schema, sorted.
func (d Document) Encode(t *testing.T) []byte {
	t.Helper()
	line := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var paths, schemas []string
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		var methods []string
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			methods = append(methods, fmt.Sprintf("  %q: %s", method, line(d.Paths[path][method])))
		}
		paths = append(paths, fmt.Sprintf(" %q: {\n%s\n }", path, strings.Join(methods, ",\n")))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		schemas = append(schemas, fmt.Sprintf(" %q: %s", name, line(d.Components.Schemas[name])))
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\"paths\": {\n%s\n},\n\"components\": {\"schemas\": {\n%s\n}}}\n", strings.Join(paths, ",\n"), strings.Join(schemas, ",\n"))
	return out.Bytes()
}

// Allowed reports whether a difference from the contract is chosen.
type Allowed func(where, what string) bool

// Check compares an answer with a schema: unknown members and wrong types are returned as errors.
func (d Document) Check(s Schema, value any, allowed Allowed) []string {
	return d.check("", s, value, allowed)
}

func (d Document) check(where string, s Schema, value any, allowed Allowed) []string {
	s = d.Resolve(s)
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) && !allowed("response "+where, "enum") {
		return []string{fmt.Sprintf("%s: %v is not one of %v", where, value, s.Enum)}
	}
	if kind := kindOf(value); kind != s.Type {
		return []string{fmt.Sprintf("%s: %v, contract %v", where, kind, s.Type)}
	}
	var bad []string
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			at := strings.TrimPrefix(where+"."+name, ".")
			sub, known := s.Properties[name]
			switch {
			case known:
				bad = append(bad, d.check(at, sub, member, allowed)...)
			case !allowed("response "+at, "added"):
				bad = append(bad, at+": unknown to the contract")
			}
		}
	case []any:
		for _, item := range v {
			bad = append(bad, d.check(where+"[]", *s.Items, item, allowed)...)
		}
	}
	return bad
}

// kindOf returns the type of a decoded value in terms of JSON schemas.
func kindOf(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
	}
	return fmt.Sprintf("%T", value)
}
