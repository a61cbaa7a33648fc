package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
)

// Config is what a deployment can choose.
type Config struct {
	Version string           // of the program, shown by GET /api/v1/version and in the OpenAPI
	Log     *slog.Logger     // one line a request, and internal errors
	Now     func() time.Time // clock

	// MaxBody bounds a request body in bytes; MaxFeed that of an advisory feed, which goes to a file in TempDir.
	MaxBody int64
	MaxFeed int64
	TempDir string // "" = the system's

	// Stall ends an upload that sends no byte for so long.
	Stall time.Duration

	// PublicURL is the address that clients reach us by, without a path: https://plimsoll.example. Links and the
	// token's catalog begin with it; "" = what each request says, which a proxy in front may change.
	PublicURL string

	// OperatorDomain is the id of the domain whose administrators may change what every tenant
	// shares (advisories); "" = administrators of any domain.
	OperatorDomain string
}

// DefaultConfig allows bodies of 12 MB, as the vendor's gateway does, and feeds of 2 GiB.
func DefaultConfig() Config {
	return Config{
		Version: "dev",
		Log:     slog.Default(),
		Now:     time.Now,
		MaxBody: 12 << 20,
		MaxFeed: 2 << 30,
		Stall:   60 * time.Second,
	}
}

// Roles are what the handlers ask; all of them are required.
type Roles struct {
	Callers         Callers
	SignIns         SignIns
	Projects        ProjectLister
	Images          ImageLister
	Lookup          ImageFinder
	Files           FileLister
	Settings        SettingLister
	Software        SoftwareKeeper
	Secrets         SecretKeeper
	Malware         MalwareLister
	WeakPasswords   WeakPasswordKeeper
	Vulnerabilities VulnerabilityLister
	Histories       HistoryReader
	Scans           Scanner
	Registries      RegistryStore
	NewRegistries   RegistryAdder
	Tasks           TaskStore
	Advisories      AdvisoryKeeper
	Users           UserKeeper
	Keys            KeyKeeper
	Decisions       DecisionKeeper
	Census          VulnerabilityCensus
	CVEs            CVELister
	VEX             VEXKeeper
	Explainer       Explainer
	Checks          []Check // of GET /readyz

	// SecretRules are what rules for secrets find, by id.
	SecretRules map[string]string
}

// API is the HTTP handler of the whole service.
type API struct {
	cfg    Config
	roles  Roles
	router *chi.Mux
	huma   huma.API
}

// New builds the handler.
func New(cfg Config, roles Roles) *API {
	useOurErrors()
	a := &API{cfg: cfg, roles: roles, router: chi.NewMux()}
	a.router.Use(a.identify, a.logged, a.guarded, secured)
	a.router.NotFound(func(w http.ResponseWriter, r *http.Request) { refuse(w, r, errNoRoute) })
	a.router.MethodNotAllowed(a.methodNotAllowed)
	a.huma = humachi.New(a.router, openAPI(cfg.Version))
	a.registerContract()
	a.registerOwn()
	a.registerService()
	return a
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// OpenAPI is the description of every operation, as served at /openapi.json.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

func (a *API) registerContract() {
	a.registerImages()
	a.registerVulnerabilities()
	a.registerFiles()
	a.registerBaseline()
	a.registerPasswords()
	a.registerPasswordList()
	a.registerSoftware()
	a.registerSecrets()
	a.registerMalware()
	a.registerBuild()
	a.registerCVEs()
	a.registerHandling()
	a.registerScans()
	a.registerSyncs()
	a.registerTokens()
	a.registerProjects()
	a.registerEnterpriseProjects()
}

func (a *API) registerOwn() {
	a.registerRegistries()
	a.registerOwnImages()
	a.registerOwnFiles()
	a.registerHistory()
	a.registerOwnSettings()
	a.registerOwnSoftware()
	a.registerOwnSecrets()
	a.registerTasks()
	a.registerAdvisories()
	a.registerDecisions()
	a.registerVEX()
	a.registerUsers()
	a.registerKeys()
}

func (a *API) registerService() {
	a.registerHealth()
	a.registerDocs()
}

// The names of the security schemes in the OpenAPI.
const (
	schemeToken     = "token"
	schemeSignature = "signature"
)

// openAPI is huma's configuration without the parts that would show on the wire:
// $schema members, Link headers and documentation that loads scripts from elsewhere.
func openAPI(version string) huma.Config {
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

// open registers an operation that anybody may call.
func open[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Middlewares = append(op.Middlewares, a.cleanQuery)
	register(a, op, handle)
}

// closed registers an operation for callers we know.
func closed[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.Security = []map[string][]string{{schemeToken: {}}, {schemeSignature: {}}}
	op.Middlewares = append(op.Middlewares, a.authenticate, a.cleanQuery)
	register(a, op, handle)
}

func register[I, O any](a *API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = a.cfg.MaxBody
	op.BodyReadTimeout = a.cfg.Stall
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(familyOf(op.Path).sample()), true, "")
	op.Responses = map[string]*huma.Response{"default": {
		Description: "The request was not done, and why.",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
	}}
	huma.Register(a.huma, op, handle)
}
