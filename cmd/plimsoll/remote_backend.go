package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plimsoll"
)

// Images lists over GET images. The server has no offset: pages are read up to it.
func (r *remoteBackend) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	for skip := f.Offset; skip > 0; {
		skipped := f
		skipped.Limit = min(skip, plimsoll.MaxLimit)
		page, err := r.imagePage(ctx, skipped)
		if err != nil || page.Next == "" {
			page.Items = []plimsoll.Image{}
			return page, err
		}
		skip -= len(page.Items)
		f.After = page.Next
	}
	return r.imagePage(ctx, f)
}

func (r *remoteBackend) imagePage(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	var page plimsoll.Page[plimsoll.Image]
	_, err := r.call(ctx, http.MethodGet, "/api/v1/images?"+imageQuery(f).Encode(), nil, &page)
	return page, err
}

// listAll reads every page of a list of the server's. The path has no query.
func listAll[T any](ctx context.Context, r *remoteBackend, path string, query url.Values) ([]T, error) {
	items := []T{}
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(plimsoll.MaxLimit))
	for {
		var page plimsoll.Page[T]
		if _, err := r.call(ctx, http.MethodGet, path+"?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("after", page.Next)
	}
}

func imageQuery(f plimsoll.ImageFilter) url.Values {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	add := func(key, value string) {
		if value != "" {
			q.Set(key, value)
		}
	}
	if f.RegistryID != 0 {
		add("registry_id", strconv.FormatInt(f.RegistryID, 10))
	}
	for _, id := range f.IDs {
		q.Add("id", strconv.FormatInt(id, 10))
	}
	add("after", f.After)
	add("digest", string(f.Digest))
	add("namespace", f.Namespace)
	add("name", f.Name)
	add("tag", f.Tag)
	if f.LatestOnly {
		q.Set("latest", "true")
	}
	if len(f.EnterpriseProjects) == 1 {
		q.Set("enterprise_project_id", f.EnterpriseProjects[0])
	}
	add("state", strings.Join(texts(f.States), ","))
	add("origin", strings.Join(texts(f.Origins), ","))
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
	return listAll[plimsoll.Registry](ctx, r, "/api/v1/registries", nil)
}

// AddRegistry adds a registry; the server probes it.
func (r *remoteBackend) AddRegistry(ctx context.Context, spec plimsoll.RegistrySpec) (plimsoll.Registry, error) {
	if spec.EnterpriseProject == "" {
		spec.EnterpriseProject = plimsoll.DefaultEnterpriseProject
	}
	var reg plimsoll.Registry
	_, err := r.call(ctx, http.MethodPost, "/api/v1/registries", spec, &reg)
	return reg, err
}

// RemoveRegistry removes a registry by name.
func (r *remoteBackend) RemoveRegistry(ctx context.Context, name string) error {
	_, err := r.call(ctx, http.MethodDelete, "/api/v1/registries/"+url.PathEscape(name), nil, nil)
	return err
}

// Sync asks for a sync and polls until it and the scans that follow are finished.
func (r *remoteBackend) Sync(ctx context.Context, name string, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	var task plimsoll.Task
	if _, err := r.call(ctx, http.MethodPost, "/api/v1/registries/"+url.PathEscape(name)+"/sync", nil, &task); err != nil {
		return task, err
	}
	return waitSync(ctx, r, task.ID, watch)
}

// pollTask is how often a server is asked how far a task has come.
const pollTask = 300 * time.Millisecond

func (r *remoteBackend) wait(ctx context.Context, id int64, watch func(plimsoll.Task)) (plimsoll.Task, error) {
	tick := time.NewTicker(pollTask)
	defer tick.Stop()
	for {
		var task plimsoll.Task
		if _, err := r.call(ctx, http.MethodGet, "/api/v1/tasks/"+strconv.FormatInt(id, 10), nil, &task); err != nil {
			return task, err
		}
		watch(task)
		if task.State != plimsoll.TaskRunning {
			return task, nil
		}
		select {
		case <-ctx.Done():
			return task, ctx.Err()
		case <-tick.C:
		}
	}
}

func (r *remoteBackend) scanTasks(ctx context.Context) ([]plimsoll.Task, error) {
	var page plimsoll.Page[plimsoll.Task]
	_, err := r.call(ctx, http.MethodGet, "/api/v1/tasks?kind=scan&limit=200", nil, &page)
	return page.Items, err
}

// AdvisoryStatus asks what advisories the server has.
func (r *remoteBackend) AdvisoryStatus(ctx context.Context) (plimsoll.AdvisoryStatus, error) {
	var status plimsoll.AdvisoryStatus
	_, err := r.call(ctx, http.MethodGet, "/api/v1/advisories", nil, &status)
	return status, err
}

// Users lists the users of the caller's domain.
func (r *remoteBackend) Users(ctx context.Context) ([]plimsoll.User, error) {
	return listAll[plimsoll.User](ctx, r, "/api/v1/users", nil)
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

// ofUser names a user in a query; nobody means the caller.
func ofUser(name string) string {
	if name == "" {
		return ""
	}
	return "?user=" + url.QueryEscape(name)
}

// Keys lists the access keys of a user.
func (r *remoteBackend) Keys(ctx context.Context, user string) ([]plimsoll.AccessKey, error) {
	query := url.Values{}
	if user != "" {
		query.Set("user", user)
	}
	return listAll[plimsoll.AccessKey](ctx, r, "/api/v1/keys", query)
}

// CreateKey makes an access key for a user.
func (r *remoteBackend) CreateKey(ctx context.Context, user, description string) (access, secret string, err error) {
	var key struct{ Access, Secret string }
	_, err = r.call(ctx, http.MethodPost, "/api/v1/keys", map[string]string{"user": user, "description": description}, &key)
	return key.Access, key.Secret, err
}

// RevokeKey revokes an access key of a user.
func (r *remoteBackend) RevokeKey(ctx context.Context, user, access string) error {
	_, err := r.call(ctx, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(access)+ofUser(user), nil, nil)
	return err
}

// Close has nothing to release.
func (r *remoteBackend) Close() error {
	r.client.CloseIdleConnections()
	return nil
}
