package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"plimsoll"
)

// scoped is a query with the enterprise project of --enterprise-project.
func (r *remoteBackend) scoped(pairs ...string) string {
	q := url.Values{}
	if r.enterpriseProject != "" {
		q.Set("enterprise_project_id", r.enterpriseProject)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Explain asks the server.
func (r *remoteBackend) Explain(ctx context.Context, img plimsoll.Image, id string) (plimsoll.Explanation, error) {
	var e plimsoll.Explanation
	_, err := r.call(ctx, http.MethodGet, "/api/v1/images/"+recordID(img)+"/vulnerabilities/"+url.PathEscape(id)+r.scoped(), nil, &e)
	return e, err
}

// Decisions lists a page of the server's.
func (r *remoteBackend) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	var page struct {
		Items []plimsoll.Decision `json:"items"`
	}
	ended, before := "", ""
	if f.Ended {
		ended = "true"
	}
	if f.Before > 0 {
		before = strconv.FormatInt(f.Before, 10)
	}
	_, err := r.call(ctx, http.MethodGet, "/api/v1/decisions"+r.scoped("finding", f.Finding, "status", string(f.Status), "document", f.Document,
		"ended", ended, "before", before, "limit", strconv.Itoa(f.Limit)), nil, &page)
	return page.Items, err
}

// AddDecision makes a decision as the caller.
func (r *remoteBackend) AddDecision(ctx context.Context, d plimsoll.Decision) (plimsoll.Decision, error) {
	body := map[string]any{"kind": d.Kind, "finding": d.Finding, "scope": d.Scope, "status": d.Status}
	if d.Justification != "" {
		body["justification"] = d.Justification
	}
	if d.Reason != "" {
		body["reason"] = d.Reason
	}
	if !d.ExpiresAt.IsZero() {
		body["expires_at"] = d.ExpiresAt
	}
	var made plimsoll.Decision
	_, err := r.call(ctx, http.MethodPost, "/api/v1/decisions"+r.scoped(), body, &made)
	return made, err
}

// RemoveDecision ends a decision.
func (r *remoteBackend) RemoveDecision(ctx context.Context, id int64) error {
	_, err := r.call(ctx, http.MethodDelete, "/api/v1/decisions/"+strconv.FormatInt(id, 10), nil, nil)
	return err
}

// ImportVEX sends a document.
func (r *remoteBackend) ImportVEX(ctx context.Context, document []byte) (plimsoll.DocumentImport, error) {
	var out plimsoll.DocumentImport
	if !json.Valid(document) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "the VEX document is not JSON")
	}
	_, err := r.call(ctx, http.MethodPost, "/api/v1/vex"+r.scoped(), json.RawMessage(document), &out)
	return out, err
}

// ExportVEX gets the server's decisions as OpenVEX.
func (r *remoteBackend) ExportVEX(ctx context.Context, image string) ([]byte, error) {
	var doc json.RawMessage
	_, err := r.call(ctx, http.MethodGet, "/api/v1/vex"+r.scoped("image_id", image), nil, &doc)
	return doc, err
}
