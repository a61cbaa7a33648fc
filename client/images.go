package client

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"plimsoll"
)

// Images lists a page of the inventory, as the filter selects it. Limit is 1 to plimsoll.MaxLimit. ProjectID is
// ignored: the project is the caller's. The server pages by cursor (After and Next); for an Offset, the pages before it
// are read.
func (c *Client) Images(ctx context.Context, f plimsoll.ImageFilter) (plimsoll.Page[plimsoll.Image], error) {
	for skip := f.Offset; skip > 0; {
		skipped := f
		skipped.Limit = min(skip, plimsoll.MaxLimit)
		page, err := c.imagePage(ctx, skipped)
		if err != nil || page.Next == "" {
			page.Items = []plimsoll.Image{}
			return page, err
		}
		skip -= len(page.Items)
		f.After = page.Next
	}
	return c.imagePage(ctx, f)
}

func (c *Client) imagePage(ctx context.Context, f plimsoll.ImageFilter) (page plimsoll.Page[plimsoll.Image], err error) {
	err = c.get(ctx, pathImages, imageQuery(f), &page)
	return page, err
}

func imageQuery(f plimsoll.ImageFilter) url.Values {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	setGiven(q, "after", f.After)
	if f.RegistryID != 0 {
		q.Set("registry_id", strconv.FormatInt(f.RegistryID, 10))
	}
	for _, id := range f.IDs {
		q.Add("id", strconv.FormatInt(id, 10))
	}
	setGiven(q, "digest", string(f.Digest))
	setGiven(q, "namespace", f.Namespace)
	setGiven(q, "name", f.Name)
	setGiven(q, "tag", f.Tag)
	if f.LatestOnly {
		q.Set("latest", "true")
	}
	if len(f.EnterpriseProjects) == 1 {
		q.Set("enterprise_project_id", f.EnterpriseProjects[0])
	}
	setGiven(q, "state", joinWords(f.States))
	setGiven(q, "origin", joinWords(f.Origins))
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

// setGiven sets a parameter that has a value.
func setGiven(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

func joinWords[T ~string](words []T) string {
	parts := make([]string, len(words))
	for i, w := range words {
		parts[i] = string(w)
	}
	return strings.Join(parts, ",")
}

// ImageHistory lists when and why vulnerabilities of an image appeared, changed and were resolved, newest first. image
// is a record id, or the hex digits of a manifest digest.
func (c *Client) ImageHistory(ctx context.Context, image string, f plimsoll.HistoryFilter) (page plimsoll.HistoryPage, err error) {
	err = c.get(ctx, pathHistory(image), historyQuery(f), &page)
	return page, err
}

// ImageFindingsAt lists what was wrong with an image at the filter's time. image is as in ImageHistory.
func (c *Client) ImageFindingsAt(ctx context.Context, image string, f plimsoll.HistoryFilter) (found plimsoll.FindingsAt, err error) {
	err = c.get(ctx, pathFindings(image), historyQuery(f), &found)
	return found, err
}

func historyQuery(f plimsoll.HistoryFilter) url.Values {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	setGiven(q, "vulnerability", f.Vulnerability)
	setGiven(q, "after", f.After)
	if !f.At.IsZero() {
		q.Set("at", f.At.UTC().Format(time.RFC3339Nano))
	}
	return q
}

// Explain explains why an image is affected by a vulnerability, or why not. id is a CVE, an alias or an advisory.
func (c *Client) Explain(ctx context.Context, img plimsoll.Image, id string) (e plimsoll.Explanation, err error) {
	err = c.get(ctx, pathExplanation(img.ID, id), c.limitedQuery(), &e)
	return e, err
}

// limitedQuery is a query of key and value pairs that have a value, with the enterprise project of the client.
func (c *Client) limitedQuery(pairs ...string) url.Values {
	q := url.Values{}
	setGiven(q, "enterprise_project_id", c.enterpriseProject)
	for i := 0; i+1 < len(pairs); i += 2 {
		setGiven(q, pairs[i], pairs[i+1])
	}
	return q
}
