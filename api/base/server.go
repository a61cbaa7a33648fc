package base

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// Server routes requests to the operations of its families.
type Server struct {
	cfg      Config
	callers  Callers
	projects ProjectLister
	families []*Family
	router   *chi.Mux
	huma     huma.API
}

// NewServer registers the operations of all families. A path that belongs to none is answered in the error
// body of the first.
func NewServer(cfg Config, callers Callers, projects ProjectLister, families ...*Family) *Server {
	replaceHumaErrors()
	s := &Server{cfg: cfg, callers: callers, projects: projects, families: families, router: chi.NewMux()}
	s.router.Use(s.assignRequestID, s.logRequests, recoverPanics, setSecurityHeaders)
	s.router.NotFound(func(w http.ResponseWriter, r *http.Request) { writeError(w, r, errNoRoute) })
	s.router.MethodNotAllowed(s.methodNotAllowed)
	s.huma = humachi.New(s.router, openAPIConfig(cfg.Version))
	for _, f := range families {
		for _, op := range f.Operations {
			s.register(f, op)
		}
		for _, route := range f.NotOffered {
			s.registerNotOffered(route)
		}
	}
	for _, name := range [...]string{"ErrorModel", "ErrorDetail"} { // huma's own error body, which no family has
		delete(s.huma.OpenAPI().Components.Schemas.Map(), name)
	}
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// OpenAPI returns the description of every operation, as served at /openapi.json.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.huma.OpenAPI() }

// Get adds a page that is no operation.
func (s *Server) Get(path string, h http.HandlerFunc) { s.router.Get(path, h) }

// The names of the security schemes in the OpenAPI.
const (
	schemeToken     = "token"
	schemeSignature = "signature"
)

// openAPIConfig is huma's configuration without the parts that would show on the wire:
// $schema members, Link headers and documentation that loads scripts from elsewhere.
func openAPIConfig(version string) huma.Config {
	cfg := huma.DefaultConfig("Plimsoll", version)
	cfg.Info.Description = "Security inventory of container images. Operations under /v5 speak the container-image part of the " +
		"Huawei Cloud HSS v5 API; those under /api/v1 are our own."
	cfg.CreateHooks = nil
	cfg.DocsPath = ""
	cfg.SchemasPath = ""
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		schemeToken: {Type: "apiKey", In: "header", Name: headerToken,
			Description: "A token from POST /v3/auth/tokens."},
		schemeSignature: {Type: "apiKey", In: "header", Name: "Authorization",
			Description: "A request signature with an access key: SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…"},
	}
	return cfg
}

// register adds one row of a table to the router and to the OpenAPI. It panics for a row without an access.
func (s *Server) register(f *Family, row Operation) {
	if _, known := accessRules[row.Access]; !known {
		panic("operation " + row.ID + " does not say who may call it")
	}
	op := huma.Operation{
		OperationID: row.ID, Method: row.Method, Path: row.Path, Tags: []string{row.Tag}, Summary: row.Summary,
		Description: joinSentences(row.Description, row.Access.String()), Deprecated: row.Deprecated, DefaultStatus: row.Status,
		RequestBody: row.RawBody, SkipValidateBody: row.RawBody != nil,
		MaxBodyBytes: s.maxBody(row.Access), BodyReadTimeout: s.cfg.Stall,
		Responses: map[string]*huma.Response{"default": {
			Description: "The request was not done, and why.",
			Content: map[string]*huma.MediaType{"application/json": {
				Schema: s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(f.ErrorBody(Failure{})), true, ""),
			}},
		}},
	}
	s.protect(&op, row.Access, row.Streamed)
	row.Handler(f.Handlers, s.huma, op, s.roleCheckFor(row.Access))
}

// maxPublicBody limits the body of a request that nobody signed in for, in bytes: a sign-in is some hundred.
const maxPublicBody = 64 << 10

// maxBody returns the largest body of a request in bytes. It is counted before anything is parsed.
func (s *Server) maxBody(access Access) int64 {
	if access == Public {
		return min(s.cfg.MaxBody, maxPublicBody)
	}
	return s.cfg.MaxBody
}

// protect adds the middleware of an operation: authentication, unless it is public, and the query clean-up.
func (s *Server) protect(op *huma.Operation, access Access, streamed bool) {
	if access != Public {
		op.Security = []map[string][]string{{schemeToken: {}}, {schemeSignature: {}}}
		op.Middlewares = append(op.Middlewares, s.authenticate(streamed))
	}
	op.Middlewares = append(op.Middlewares, s.cleanQuery)
}

// registerNotOffered answers 501, after authentication, for an operation that only the contract has.
func (s *Server) registerNotOffered(route Route) {
	op := huma.Operation{OperationID: route.ID, Method: route.Method, Path: route.Path, Hidden: true}
	s.protect(&op, SignedIn, false)
	huma.Register(s.huma, op, func(context.Context, *struct{}) (*struct{}, error) { return nil, errNotOffered })
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}

// familyOf returns the family that a path belongs to.
func (s *Server) familyOf(path string) *Family {
	for _, f := range s.families {
		if slices.ContainsFunc(f.Prefixes, func(prefix string) bool { return hasPathPrefix(path, prefix) }) {
			return f
		}
	}
	return s.families[0]
}

func hasPathPrefix(path, prefix string) bool {
	return path == prefix || len(path) > len(prefix) && path[:len(prefix)] == prefix && path[len(prefix)] == '/'
}
