package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/advisory"
)

// remoteBackend is a running server, spoken to over its own API.
type remoteBackend struct {
	base    string
	token   string
	project string // id
	eps     string
	client  *http.Client
}

// newRemote signs in at the endpoint: with PLIMSOLL_TOKEN, else with PLIMSOLL_USER and PLIMSOLL_PASSWORD.
func newRemote(ctx context.Context, a *app) (*remoteBackend, error) {
	u, err := url.Parse(a.endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "endpoint %.200q is not http(s)://host[:port]", a.endpoint)
	}
	r := &remoteBackend{base: strings.TrimRight(a.endpoint, "/"), eps: a.enterpriseProject, client: &http.Client{Timeout: 10 * time.Minute}}
	r.token, _ = a.env("PLIMSOLL_TOKEN")
	r.project, _ = a.env("PLIMSOLL_PROJECT_ID")
	user, _ := a.env("PLIMSOLL_USER")
	password, _ := a.env("PLIMSOLL_PASSWORD")
	switch {
	case r.token != "" && r.project != "":
		return r, nil
	case r.token != "":
		return r, r.describeToken(ctx)
	case user != "" && password != "":
		return r, r.signIn(ctx, user, password, a.project)
	default:
		return nil, plimsoll.Errorf(plimsoll.Unauthenticated, "the server at %s needs credentials", r.base).
			WithHint("set PLIMSOLL_TOKEN, or PLIMSOLL_USER and PLIMSOLL_PASSWORD")
	}
}

// tokenBody is the part of the identity answer that says which project a token is for.
type tokenBody struct {
	Token struct {
		Project struct{ ID string } `json:"project"`
	} `json:"token"`
}

func (r *remoteBackend) signIn(ctx context.Context, user, password, project string) error {
	if project == "" {
		project = "default"
	}
	type object map[string]any
	body := object{"auth": object{
		"identity": object{"methods": []string{"password"}, "password": object{"user": object{
			"name": user, "password": password, "domain": object{"name": "plimsoll"}}}},
		"scope": object{"project": object{"name": project}},
	}}
	var answer tokenBody
	header, err := r.call(ctx, http.MethodPost, "/v3/auth/tokens", body, &answer)
	if err != nil {
		return err
	}
	r.token, r.project = header.Get("X-Subject-Token"), answer.Token.Project.ID
	return nil
}

func (r *remoteBackend) describeToken(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+"/v3/auth/tokens", nil)
	if err != nil {
		return err
	}
	req.Header.Set("X-Subject-Token", r.token)
	var answer tokenBody
	if _, err := r.do(req, &answer); err != nil {
		return err
	}
	if r.project = answer.Token.Project.ID; r.project == "" {
		return plimsoll.Errorf(plimsoll.Invalid, "the token is for no project").WithHint("set PLIMSOLL_PROJECT_ID")
	}
	return nil
}

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
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return r.do(req, into)
}

const maxAnswer = 64 << 20

func (r *remoteBackend) do(req *http.Request, into any) (http.Header, error) {
	if r.token != "" {
		req.Header.Set("X-Auth-Token", r.token)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "ask the server: %w", err).WithHint("is it running, and is PLIMSOLL_ENDPOINT right?")
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "read the server's answer: %w", err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, refused(resp.StatusCode, raw)
	}
	if into == nil || len(raw) == 0 {
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "the server's answer is not what this program knows: %w", err)
	}
	return resp.Header, nil
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
	for _, message := range []string{body.Message, body.ErrorMsg, body.Error.Message, http.StatusText(status)} {
		if message != "" {
			err := plimsoll.Errorf(plimsoll.Unavailable, "%s", message)
			if body.Code != "" {
				err.Code = body.Code
			}
			err.Hint = body.Hint
			return err
		}
	}
	return plimsoll.Errorf(plimsoll.Unavailable, "the server answered %d", status)
}

func (r *remoteBackend) inProject(path string) string {
	return "/api/v1/projects/" + url.PathEscape(r.project) + path
}

// Images lists over GET images.
func (r *remoteBackend) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	var page plimsoll.Page[plimsoll.Image]
	_, err := r.call(ctx, http.MethodGet, r.inProject("/images?"+imageQuery(f).Encode()), nil, &page)
	return page, err
}

func imageQuery(f plimsoll.ImageFilter) url.Values {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}, "offset": {strconv.Itoa(f.Offset)}}
	add := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	add("namespace", f.Namespace)
	add("name", f.Name)
	add("tag", f.Tag)
	if f.LatestOnly {
		q.Set("latest", "true")
	}
	if len(f.EnterpriseProjects) == 1 {
		q.Set("enterprise_project_id", f.EnterpriseProjects[0])
	}
	var states, origins []string
	for _, s := range f.States {
		states = append(states, string(s))
	}
	for _, o := range f.Origins {
		origins = append(origins, string(o))
	}
	add("state", strings.Join(states, ","))
	add("origin", strings.Join(origins, ","))
	for key, value := range map[string]*bool{"has_vulnerability": f.HasVulnerability, "has_malware": f.HasMalware, "has_setting": f.HasSetting} {
		if value != nil {
			q.Set(key, strconv.FormatBool(*value))
		}
	}
	if !f.UpdatedFrom.IsZero() {
		q.Set("updated_from", f.UpdatedFrom.UTC().Format(time.RFC3339))
	}
	return q
}

// Registries lists the project's registries.
func (r *remoteBackend) Registries(ctx context.Context) ([]plimsoll.Registry, error) {
	var page plimsoll.Page[plimsoll.Registry]
	_, err := r.call(ctx, http.MethodGet, r.inProject("/registries"), nil, &page)
	return page.Items, err
}

// AddRegistry adds a registry; the server probes it.
func (r *remoteBackend) AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	if spec.EnterpriseProject == "" {
		spec.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	}
	var reg plimsoll.Registry
	_, err := r.call(ctx, http.MethodPost, r.inProject("/registries"), spec, &reg)
	return reg, err
}

// RemoveRegistry removes a registry by name.
func (r *remoteBackend) RemoveRegistry(ctx context.Context, name string) error {
	_, err := r.call(ctx, http.MethodDelete, r.inProject("/registries/"+url.PathEscape(name)), nil, nil)
	return err
}

const pollTask = 500 * time.Millisecond

// Sync asks for a sync and polls its task until it is finished.
func (r *remoteBackend) Sync(ctx context.Context, name string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	var task plimsoll.Task
	if _, err := r.call(ctx, http.MethodPost, r.inProject("/registries/"+url.PathEscape(name)+"/sync"), nil, &task); err != nil {
		return task, err
	}
	for task.State == plimsoll.TaskRunning {
		watch(task)
		select {
		case <-ctx.Done():
			return task, ctx.Err()
		case <-time.After(pollTask):
		}
		if _, err := r.call(ctx, http.MethodGet, r.inProject("/tasks/"+strconv.FormatInt(task.ID, 10)), nil, &task); err != nil {
			return task, err
		}
	}
	watch(task)
	return task, nil
}

// AdvisoryStatus asks what advisories the server has.
func (r *remoteBackend) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	var status plimsoll.AdvisoryStatus
	_, err := r.call(ctx, http.MethodGet, "/api/v1/advisories", nil, &status)
	return status, err
}

// ImportAdvisories uploads a zip; a folder is packed on the way.
func (r *remoteBackend) ImportAdvisories(ctx context.Context, path, feed string, _ func(int)) (plimsoll.ImportOutcome, error) {
	if feed == "" {
		feed = advisory.FeedName(path)
	}
	body, err := feedBody(path)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	defer body.Close() //nolint:errcheck // read to its end
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.base+"/api/v1/advisories/"+url.PathEscape(feed), body)
	if err != nil {
		return plimsoll.ImportOutcome{}, err
	}
	req.Header.Set("Content-Type", "application/zip")
	var outcome plimsoll.ImportOutcome
	_, err = r.do(req, &outcome)
	return outcome, err
}

func feedBody(path string) (io.ReadCloser, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.NotFound, "advisories: %w", err)
	}
	if !info.IsDir() {
		return os.Open(path)
	}
	pr, pw := io.Pipe()
	go func() { pw.CloseWithError(zipFolder(pw, path)) }()
	return pr, nil
}

func zipFolder(w io.Writer, dir string) error {
	z := zip.NewWriter(w)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(path) != ".json" {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		entry, err := z.Create(filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, f)
		return errors.Join(err, f.Close())
	})
	return errors.Join(err, z.Close())
}

// Users lists the users of the caller's domain.
func (r *remoteBackend) Users(ctx context.Context) ([]plimsoll.User, error) {
	var page plimsoll.Page[plimsoll.User]
	_, err := r.call(ctx, http.MethodGet, "/api/v1/users", nil, &page)
	return page.Items, err
}

// AddUser adds a user with grants in the caller's project.
func (r *remoteBackend) AddUser(ctx context.Context, name, password string, grants []plimsoll.Grant) (plimsoll.User, error) {
	for i := range grants {
		grants[i].ProjectID = r.project
	}
	var u plimsoll.User
	_, err := r.call(ctx, http.MethodPost, "/api/v1/users", map[string]any{"name": name, "password": password, "grants": grants}, &u)
	return u, err
}

// SetPassword sets a user's password.
func (r *remoteBackend) SetPassword(ctx context.Context, name, password string) error {
	_, err := r.call(ctx, http.MethodPut, "/api/v1/users/"+url.PathEscape(name)+"/password", map[string]string{"password": password}, nil)
	return err
}

// RemoveUser removes a user.
func (r *remoteBackend) RemoveUser(ctx context.Context, name string) error {
	_, err := r.call(ctx, http.MethodDelete, "/api/v1/users/"+url.PathEscape(name), nil, nil)
	return err
}

// Keys lists the access keys of a user.
func (r *remoteBackend) Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error) {
	var page plimsoll.Page[plimsoll.AccessKey]
	_, err := r.call(ctx, http.MethodGet, "/api/v1/keys?user="+url.QueryEscape(user), nil, &page)
	return page.Items, err
}

// CreateKey makes an access key for a user.
func (r *remoteBackend) CreateKey(ctx context.Context, user, description string) (access, secret string, err error) {
	var key struct{ Access, Secret string }
	_, err = r.call(ctx, http.MethodPost, "/api/v1/keys", map[string]string{"user": user, "description": description}, &key)
	return key.Access, key.Secret, err
}

// RevokeKey revokes an access key of a user.
func (r *remoteBackend) RevokeKey(ctx context.Context, user, access string) error {
	_, err := r.call(ctx, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(access)+"?user="+url.QueryEscape(user), nil, nil)
	return err
}

// Close has nothing to release.
func (r *remoteBackend) Close() error {
	r.client.CloseIdleConnections()
	return nil
}

var _ backend = (*remoteBackend)(nil)
