package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"plimsoll"
)

// Config names a server and the caller. Either Token or User and Password are required.
type Config struct {
	Endpoint string // http(s)://host[:port]

	Token string // of an earlier sign-in; it is for one project

	User     string
	Password string
	Domain   string // of User; "" = plimsoll, the domain that the first start makes

	Project           string // name or id; "" = that of Token, else the project "default"
	EnterpriseProject string // id that decisions and VEX documents are limited to; "" = the server decides

	RootCAs *x509.CertPool // that sign the server's certificate; nil = the system's
}

// FromEnvironment fills what Config leaves open from PLIMSOLL_ENDPOINT, PLIMSOLL_TOKEN, PLIMSOLL_USER,
// PLIMSOLL_PASSWORD and PLIMSOLL_PROJECT_ID. env looks up a variable, as os.LookupEnv does.
func (c Config) FromEnvironment(env func(name string) (string, bool)) Config {
	for name, field := range map[string]*string{
		"PLIMSOLL_ENDPOINT": &c.Endpoint, "PLIMSOLL_TOKEN": &c.Token, "PLIMSOLL_USER": &c.User,
		"PLIMSOLL_PASSWORD": &c.Password, "PLIMSOLL_PROJECT_ID": &c.Project,
	} {
		if value, _ := env(name); *field == "" {
			*field = value
		}
	}
	return c
}

// Client is a caller that is signed in to one project of a server.
type Client struct {
	base              string
	token             string
	projectID         string
	enterpriseProject string
	http              *http.Client
}

// New signs in. Invalid: the settings cannot work, or Token is for another project than Project. Unauthenticated: the
// server does not accept the credentials.
func New(ctx context.Context, c Config) (*Client, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the endpoint is not http(s)://host[:port]").
			WithHint("check --endpoint or PLIMSOLL_ENDPOINT")
	}
	out := &Client{base: strings.TrimRight(u.String(), "/"), http: newHTTPClient(c.RootCAs), enterpriseProject: c.EnterpriseProject}
	switch {
	case c.Token != "":
		out.token = c.Token
		err = out.useToken(ctx, c.Project)
	case c.User != "" && c.Password != "":
		err = out.signIn(ctx, c)
	default:
		err = plimsoll.Errorf(plimsoll.Unauthenticated, "the server at %s needs credentials", out.base).
			WithHint("set PLIMSOLL_TOKEN, or PLIMSOLL_USER and PLIMSOLL_PASSWORD")
	}
	if err != nil {
		out.http.CloseIdleConnections()
		return nil, err
	}
	return out, nil
}

// Token is the token that requests carry. It is valid for a day from the sign-in.
func (c *Client) Token() string { return c.token }

// ProjectID is the id of the project that the token is for.
func (c *Client) ProjectID() string { return c.projectID }

// Close closes idle connections. The token stays valid. The error is always nil.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// newHTTPClient follows no redirect: it would carry the token elsewhere.
func newHTTPClient(roots *x509.CertPool) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is one, by its documentation
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// object is a JSON object of a request.
type object map[string]any

// tokenAnswer is the part of the identity API's answer with the project that a token is for.
type tokenAnswer struct {
	Token struct {
		Project struct{ ID, Name string } `json:"project"`
	} `json:"token"`
}

var projectIDs = regexp.MustCompile(`^[0-9a-f]{32}$`)

// What the first start of a server makes.
const (
	firstDomain  = "plimsoll"
	firstProject = "default"
)

// signIn gets a token by password (Keystone identity API v3, POST /v3/auth/tokens).
func (c *Client) signIn(ctx context.Context, in Config) error {
	scope := object{"name": firstProject}
	switch {
	case projectIDs.MatchString(in.Project):
		scope = object{"id": in.Project}
	case in.Project != "":
		scope = object{"name": in.Project}
	}
	domain := in.Domain
	if domain == "" {
		domain = firstDomain
	}
	body := object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{
			"name": in.User, "password": in.Password, "domain": object{"name": domain}}}},
		"scope": object{"project": scope},
	}}
	var answer tokenAnswer
	header, err := c.call(ctx, http.MethodPost, pathTokens, body, &answer)
	if err != nil {
		return err
	}
	c.token, c.projectID = header.Get("X-Subject-Token"), answer.Token.Project.ID
	return nil
}

// useToken asks the server which project a token is for, and compares it with the one that is wanted.
func (c *Client) useToken(ctx context.Context, wanted string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+pathTokens, nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Subject-Token", c.token)
	var answer tokenAnswer
	if _, err := c.do(req, &answer); err != nil {
		return err
	}
	p := answer.Token.Project
	switch {
	case p.ID == "":
		return plimsoll.Errorf(plimsoll.Invalid, "the token in PLIMSOLL_TOKEN is for no project").
			WithHint("get one with a project in its scope")
	case wanted != "" && wanted != p.ID && wanted != p.Name:
		return plimsoll.Errorf(plimsoll.Invalid, "the token in PLIMSOLL_TOKEN is for project %s (%s), not for %.80q", p.Name, p.ID, wanted).
			WithHint("drop --project and PLIMSOLL_PROJECT_ID, or get a token for that project")
	}
	c.projectID = p.ID
	return nil
}
