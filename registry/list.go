package registry

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"plimsoll"
)

// Bounds of lists.
const (
	pageSize      = "1000"
	maxPageBytes  = 16 << 20
	maxPages      = 10_000
	maxNames      = 500_000
	catalogAccess = "registry:catalog:*"
)

// nameList is a list of names in pages.
type nameList struct {
	request request
	field   string // of the JSON object, with the names
	valid   func(string) bool
}

// Repositories lists the catalog. Most cloud registries refuse that; the hint of the error then is to name repositories.
func (c *Client) Repositories(ctx context.Context) ([]string, error) {
	names, err := c.list(ctx, nameList{
		request: request{doing: "listing repositories", path: "/v2/_catalog", scope: catalogAccess},
		field:   "repositories",
		valid:   plimsoll.ValidRepository,
	})
	if code := plimsoll.ErrorCode(err); code == plimsoll.Forbidden || code == plimsoll.NotFound {
		return nil, plimsoll.Fail(plimsoll.FailureOf(err), (&plimsoll.Error{Code: code, Err: err}).
			WithHint("this registry may not list its repositories; name the repositories with --repository"))
	}
	return names, err
}

// Tags lists the tags of a repository. The protocol lists names alone: Resolve returns their digests, and when a
// tag was pushed is not known.
func (c *Client) Tags(ctx context.Context, repository string) ([]plimsoll.TagSeen, error) {
	path, err := repositoryPath(repository, "tags/list")
	if err != nil {
		return nil, err
	}
	names, err := c.list(ctx, nameList{
		request: request{doing: "listing the tags of " + repository, path: path, scope: pullScope(repository)},
		field:   "tags",
		valid:   plimsoll.ValidTag,
	})
	if err != nil {
		return nil, err
	}
	tags := make([]plimsoll.TagSeen, len(names))
	for i, name := range names {
		tags[i].Tag = name
	}
	return tags, nil
}

// list reads every page. Names that do not match the grammar are dropped, and their number is logged.
func (c *Client) list(ctx context.Context, l nameList) ([]string, error) {
	var names []string
	seen, pages, invalid := map[string]bool{}, map[string]bool{}, 0
	l.request.query, l.request.accept, l.request.limit = "n="+pageSize, "application/json", maxPageBytes
	for l.request.query != "" {
		if pages[l.request.query] || len(pages) >= maxPages || len(seen) > maxNames {
			return nil, plimsoll.Fail(plimsoll.FailureOversized, plimsoll.Errorf(plimsoll.TooLarge,
				"%s: the list repeats itself or is longer than %d names on %d pages", l.request.doing, maxNames, maxPages))
		}
		pages[l.request.query] = true
		page, err := c.fetch(ctx, l.request)
		if err != nil {
			return nil, err
		}
		found, err := l.parse(page.body)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			switch {
			case !l.valid(name):
				invalid++
			case !seen[name]:
				seen[name] = true
				names = append(names, name)
			}
		}
		l.request.query = nextQuery(page.header)
	}
	if invalid > 0 {
		c.logger.WarnContext(ctx, "names that break the grammar dropped", "registry", c.base.Host, "list", l.field, "count", invalid)
	}
	return names, nil
}

func (l nameList) parse(body []byte) ([]string, error) {
	var page map[string]json.RawMessage
	var names []string
	err := json.Unmarshal(body, &page)
	if err == nil && page[l.field] != nil {
		err = json.Unmarshal(page[l.field], &names)
	}
	if err != nil || page == nil {
		return nil, plimsoll.Fail(plimsoll.FailureDownload, plimsoll.Errorf(plimsoll.Unavailable, "%s: the answer is not a list", l.request.doing))
	}
	return names, nil
}

// nextQuery returns the query of the next page (RFC 8288, rel="next"), "" for none. Only the query is taken
// from the link: a page never leads to another host or path.
func nextQuery(h http.Header) string {
	for _, line := range h.Values("Link") {
		for line != "" {
			_, rest, ok := strings.Cut(line, "<")
			target, params, closed := strings.Cut(rest, ">")
			if !ok || !closed {
				break
			}
			line = params
			params, _, _ = strings.Cut(params, "<")
			u, err := url.Parse(target)
			if err == nil && isNext(params) {
				return u.RawQuery
			}
		}
	}
	return ""
}

// isNext reports whether the parameters of a link contain the relation "next".
func isNext(params string) bool {
	for _, param := range strings.Split(params, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(param), "=")
		v = strings.Trim(strings.TrimRight(strings.TrimSpace(v), ","), `" `)
		if strings.EqualFold(strings.TrimSpace(name), "rel") && strings.EqualFold(v, "next") {
			return true
		}
	}
	return false
}
