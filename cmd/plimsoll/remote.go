package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"plimsoll"
)

// remoteBackend is a running server, spoken to over its own API.
type remoteBackend struct {
	base    string
	token   string
	project string // id
	client  *http.Client

	enterpriseProject string // of --enterprise-project
}

// newRemote signs in at the endpoint: with PLIMSOLL_TOKEN, else with PLIMSOLL_USER and
// PLIMSOLL_PASSWORD. The project is --project, else PLIMSOLL_PROJECT_ID, else the token's.
func newRemote(ctx context.Context, a *app) (*remoteBackend, error) {
	u, err := url.Parse(a.endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "the endpoint is not http(s)://host[:port]").
			WithHint("check --endpoint or PLIMSOLL_ENDPOINT")
	}
	client, err := a.serverClient()
	if err != nil {
		return nil, err
	}
	r := &remoteBackend{base: strings.TrimRight(u.String(), "/"), client: client, enterpriseProject: a.enterpriseProject}
	project := a.project
	if project == "" {
		project, _ = a.env("PLIMSOLL_PROJECT_ID")
	}
	token, _ := a.env("PLIMSOLL_TOKEN")
	user, _ := a.env("PLIMSOLL_USER")
	password, _ := a.env("PLIMSOLL_PASSWORD")
	switch {
	case token != "":
		r.token = token
		return r, r.useToken(ctx, project)
	case user != "" && password != "":
		return r, r.signIn(ctx, user, password, project)
	default:
		return nil, plimsoll.Errorf(plimsoll.Unauthenticated, "the server at %s needs credentials", r.base).
			WithHint("set PLIMSOLL_TOKEN, or PLIMSOLL_USER and PLIMSOLL_PASSWORD")
	}
}

// serverClient trusts the authorities of --ca-file, and follows no redirect: it would
// carry the token elsewhere.
func (a *app) serverClient() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // it is one, by its documentation
	roots, err := a.roots()
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// tokenBody is the part of the identity answer that says which project a token is for.
type tokenBody struct {
	Token struct {
		Project struct{ ID, Name string } `json:"project"`
	} `json:"token"`
}

var projectID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// defaultProject is the one that the first start makes.
const defaultProject = "default"

func (r *remoteBackend) signIn(ctx context.Context, user, password, project string) error {
	type object map[string]any
	scope := object{"name": defaultProject}
	switch {
	case projectID.MatchString(project):
		scope = object{"id": project}
	case project != "":
		scope = object{"name": project}
	}
	body := object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{
			"name": user, "password": password, "domain": object{"name": domainName}}}},
		"scope": object{"project": scope},
	}}
	var answer tokenBody
	header, err := r.call(ctx, http.MethodPost, "/v3/auth/tokens", body, &answer)
	if err != nil {
		return err
	}
	r.token, r.project = header.Get("X-Subject-Token"), answer.Token.Project.ID
	return nil
}

// useToken asks which project a token is for, and holds it against the one that is wanted.
func (r *remoteBackend) useToken(ctx context.Context, wanted string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/v3/auth/tokens", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Subject-Token", r.token)
	var answer tokenBody
	if _, err := r.do(req, &answer); err != nil {
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
	r.project = p.ID
	return nil
}

// callTime bounds one request, uploads aside.
const callTime = 2 * time.Minute

// call sends body as JSON and reads the answer into into, which may be nil.
func (r *remoteBackend) call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.do(req, into)
}

const maxAnswer = 64 << 20

func (r *remoteBackend) do(req *http.Request, into any) (http.Header, error) {
	if r.token != "" {
		req.Header.Set("X-Auth-Token", r.token)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "read the server's answer: %w", err)
	case len(raw) > maxAnswer:
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "the server's answer is larger than %d bytes", maxAnswer)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, refused(resp.StatusCode, raw)
	case into == nil || len(raw) == 0:
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "the server's answer is not what this program knows: %w", err)
	}
	return resp.Header, nil
}

func unreachable(err error) error {
	hint := "is it running, and is PLIMSOLL_ENDPOINT right?"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		hint = "if its certificate is from a private authority, name that with --ca-file"
	}
	return plimsoll.Errorf(plimsoll.Unavailable, "ask the server: %w", err).WithHint("%s", hint)
}

// refused turns an error answer of any of the server's families into an error.
func refused(status int, raw []byte) error {
	var body struct {
		Code     plimsoll.Code `json:"code"`
		Message  string        `json:"message"`
		Hint     string        `json:"hint"`
		ErrorMsg string        `json:"error_msg"`
		Error    struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &body) // an answer without JSON is told by its status
	code, hint := meaning(status)
	if body.Code != "" {
		code = body.Code
	}
	if body.Hint != "" {
		hint = body.Hint
	}
	for _, message := range []string{body.Message, body.ErrorMsg, body.Error.Message, http.StatusText(status)} {
		if message != "" {
			return plimsoll.Errorf(code, "the server refused: %s", message).WithHint("%s", hint)
		}
	}
	return plimsoll.Errorf(code, "the server answered %d", status)
}

// meaning is what a status says where the body does not.
func meaning(status int) (code plimsoll.Code, hint string) {
	switch status {
	case http.StatusBadRequest:
		return plimsoll.Invalid, ""
	case http.StatusUnauthorized:
		return plimsoll.Unauthenticated, "check PLIMSOLL_TOKEN (tokens end after a day), or PLIMSOLL_USER and PLIMSOLL_PASSWORD"
	case http.StatusForbidden:
		return plimsoll.Forbidden, "ask an administrator for the role; `plimsoll user list` shows who has which"
	case http.StatusNotFound:
		return plimsoll.NotFound, ""
	case http.StatusConflict:
		return plimsoll.Conflict, ""
	case http.StatusRequestEntityTooLarge:
		return plimsoll.TooLarge, ""
	case http.StatusTooManyRequests:
		return plimsoll.Throttled, "try again in a few minutes"
	}
	if status < http.StatusBadRequest {
		return plimsoll.Invalid, "the endpoint redirects: name the address it redirects to"
	}
	return plimsoll.Unavailable, ""
}

var _ backend = (*remoteBackend)(nil)
