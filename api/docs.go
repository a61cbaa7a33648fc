package api

import (
	"bytes"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs/page.html docs/page.css
var docFiles embed.FS

const docsPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// addDocsPages renders the documentation page from the registered operations.
func (a *API) addDocsPages() {
	page := template.Must(template.New("page.html").ParseFS(docFiles, "docs/page.html"))
	var out bytes.Buffer
	if err := page.Execute(&out, docOf(a.OpenAPI())); err != nil {
		panic(err) // our own template over our own operations
	}
	style, err := docFiles.ReadFile("docs/page.css")
	if err != nil {
		panic(err)
	}
	a.server.Get("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/docs", http.StatusFound) })
	a.server.Get("/docs", serveAsset("text/html; charset=utf-8", out.Bytes()))
	a.server.Get("/docs/page.css", serveAsset("text/css; charset=utf-8", style))
}

func serveAsset(contentType string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Security-Policy", docsPolicy)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body) //nolint:errcheck // the client is gone
	}
}

type docPage struct {
	Title, Version, Description string
	Groups                      []docGroup
	Schemas                     []docSchema
}

type docGroup struct {
	Name       string
	Operations []docOperation
}

type docOperation struct {
	Method, Path, Summary, Description string
	Parameters                         []docField
	Body                               docType
	Answers                            []docAnswer
}

type docAnswer struct {
	Status, Description string
	Body                docType
}

type docField struct {
	Name, In, Range, Description string
	Required                     bool
	Type                         docType
}

// docType is the name of a type, and of the schema that explains it.
type docType struct{ Name, Schema string }

type docSchema struct {
	Name   string
	Fields []docField
}

func docOf(spec *huma.OpenAPI) docPage {
	page := docPage{Title: spec.Info.Title, Version: spec.Info.Version, Description: spec.Info.Description}
	groups := map[string][]docOperation{}
	for _, path := range slices.Sorted(maps.Keys(spec.Paths)) {
		item := spec.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Head, item.Post, item.Put, item.Delete} {
			if op != nil {
				groups[op.Tags[0]] = append(groups[op.Tags[0]], docOperationOf(op))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		page.Groups = append(page.Groups, docGroup{Name: name, Operations: groups[name]})
	}
	schemas := spec.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		page.Schemas = append(page.Schemas, docSchema{Name: name, Fields: docFieldsOf(schemas[name])})
	}
	return page
}

func docOperationOf(op *huma.Operation) docOperation {
	d := docOperation{Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description}
	for _, p := range op.Parameters {
		d.Parameters = append(d.Parameters, docField{
			Name: p.Name, In: p.In, Range: rangeOf(p.Schema), Description: p.Schema.Description, Required: p.Required, Type: docTypeOf(p.Schema),
		})
	}
	if op.RequestBody != nil {
		d.Body = docContentOf(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		d.Answers = append(d.Answers, docAnswer{Status: status, Description: r.Description, Body: docContentOf(r.Content)})
	}
	return d
}

func docContentOf(content map[string]*huma.MediaType) docType {
	names := slices.Sorted(maps.Keys(content))
	for _, name := range names {
		if t := docTypeOf(content[name].Schema); t.Schema != "" {
			return t
		}
	}
	if len(names) == 0 {
		return docType{}
	}
	return docType{Name: names[0]}
}

func docTypeOf(s *huma.Schema) docType {
	switch {
	case s == nil:
		return docType{}
	case s.Ref != "":
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return docType{Name: name, Schema: name}
	case s.Items != nil:
		t := docTypeOf(s.Items)
		t.Name = "list of " + t.Name
		return t
	case s.Format != "":
		return docType{Name: s.Format}
	default:
		return docType{Name: s.Type}
	}
}

func docFieldsOf(s *huma.Schema) []docField {
	var fields []docField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		fields = append(fields, docField{
			Name: name, Range: rangeOf(p), Description: p.Description, Required: slices.Contains(s.Required, name), Type: docTypeOf(p),
		})
	}
	return fields
}

// rangeOf describes in words what a schema allows.
func rangeOf(s *huma.Schema) string {
	var parts []string
	number := func(label string, v *float64) {
		if v != nil {
			parts = append(parts, label+strconv.FormatFloat(*v, 'f', -1, 64))
		}
	}
	number("≥ ", s.Minimum)
	number("≤ ", s.Maximum)
	if s.MaxLength != nil {
		parts = append(parts, "at most "+strconv.Itoa(*s.MaxLength)+" characters")
	}
	if s.MaxItems != nil {
		parts = append(parts, "at most "+strconv.Itoa(*s.MaxItems)+" items")
	}
	var values []string
	for _, v := range s.Enum {
		if word, ok := v.(string); ok && word != "" {
			values = append(values, word)
		}
	}
	if len(values) > 0 {
		parts = append(parts, strings.Join(values, ", "))
	}
	return strings.Join(parts, "; ")
}
