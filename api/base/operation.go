package base

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// Operation is one row of a family's table.
type Operation struct {
	ID     string // operation id, unique in the program
	Method string
	Path   string // from the root of the server, with {parameters}
	Access Access // who may call it

	Tag         string // heading of the documentation page
	Summary     string
	Description string // without the role, which is added
	Deprecated  bool

	// Status of a success; 0 = 200.
	Status int

	// RawBody describes a body that huma neither decodes nor validates; nil = the input type describes it.
	RawBody *huma.RequestBody

	// Streamed operations read their body from the connection. A signature covers such a body by the header
	// X-Sdk-Content-Sha256 alone, which the handler compares.
	Streamed bool

	Handler Handler
}

// Handler registers a handler function of any input and output type; Handle makes one.
type Handler func(handlers any, api huma.API, op huma.Operation, check roleCheck)

// Handle lets a table hold a method of the family's handlers: (*handlers).listImages. It is called after the role check.
func Handle[H, I, O any](handle func(H, context.Context, *I) (*O, error)) Handler {
	return func(handlers any, api huma.API, op huma.Operation, check roleCheck) {
		h := handlers.(H) //nolint:errcheck // a panic at start: the table is of another family
		huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
			ctx, err := check(ctx, in)
			if err != nil {
				return nil, err
			}
			return handle(h, ctx, in)
		})
	}
}

// Route is the method and path of an operation that a family knows of and does not offer.
type Route struct {
	ID, Method, Path string
}

// Family is a group of operations with path prefixes and an error body of their own.
type Family struct {
	Name       string   // "v1"
	Title      string   // heading in docs/operations.md
	Prefixes   []string // "/api"; a path belongs to the family if it is a prefix or begins with a prefix and "/"
	Operations []Operation
	Handlers   any // has the methods that Operations name

	// NotOffered routes answer 501 to callers who are authenticated.
	NotOffered []Route

	// ErrorBody makes the error body of the family. It is called with the zero Failure for its schema.
	ErrorBody func(Failure) huma.StatusError

	// TraceHeader repeats the request id in answers; "" = none.
	TraceHeader string

	// ProjectQuery is true if the query parameter "project" selects the project, by id or name.
	ProjectQuery bool
}

// Access is who may call an operation.
type Access int

// The kinds of access. Reader, Editor and Admin are meant in the enterprise project of the request, or, if the
// request names all of them or none, in at least one; the Project kinds in the whole project. The zero Access is
// none of them: a row that names no access is refused at start, not open to everyone.
const (
	Public   Access = iota + 1 // anyone, without authentication
	SignedIn                   // every caller who is authenticated
	Reader
	Editor
	Admin
	ProjectReader
	ProjectEditor
	ProjectAdmin
	Operator // administrator of a whole project, in the domain of Config.OperatorDomain
)

type accessRule struct {
	role         plimsoll.Role // the least one; "" = none
	wholeProject bool
	text         string // for the documentation
}

var accessRules = map[Access]accessRule{
	Public:        {"", false, "Open to anybody."},
	SignedIn:      {"", false, "Open to every signed-in caller."},
	Reader:        {plimsoll.RoleReader, false, "Role: reader."},
	Editor:        {plimsoll.RoleEditor, false, "Role: editor."},
	Admin:         {plimsoll.RoleAdmin, false, "Role: admin."},
	ProjectReader: {plimsoll.RoleReader, true, "Role: reader in the whole project."},
	ProjectEditor: {plimsoll.RoleEditor, true, "Role: editor in the whole project."},
	ProjectAdmin:  {plimsoll.RoleAdmin, true, "Role: admin in the whole project."},
	Operator:      {plimsoll.RoleAdmin, true, "Role: admin, in the domain that operates the deployment."},
}

// Role returns the least role of an access, "" if none is needed.
func (a Access) Role() plimsoll.Role { return accessRules[a].role }

// String describes the access for the documentation, as one sentence.
func (a Access) String() string { return accessRules[a].text }
