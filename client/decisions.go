package client

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"plimsoll"
)

// Decisions lists a page of decisions, newest first. Limit is 1 to plimsoll.MaxLimit; Before is the id of the last one
// of the previous page. Tenant and EnterpriseProjects of the filter are ignored.
func (c *Client) Decisions(ctx context.Context, f plimsoll.DecisionFilter) ([]plimsoll.Decision, error) {
	ended, before := "", ""
	if f.Ended {
		ended = "true"
	}
	if f.Before > 0 {
		before = strconv.FormatInt(f.Before, 10)
	}
	q := c.limitedQuery("finding", f.Finding, "status", string(f.Status), "document", f.Document,
		"ended", ended, "before", before, "limit", strconv.Itoa(f.Limit))
	var page struct {
		Items []plimsoll.Decision `json:"items"`
	}
	err := c.get(ctx, pathDecisions, q, &page)
	return page.Items, err
}

// AddDecision makes a decision, as the caller.
func (c *Client) AddDecision(ctx context.Context, d plimsoll.Decision) (made plimsoll.Decision, err error) {
	body := object{"kind": d.Kind, "finding": d.Finding, "scope": d.Scope, "status": d.Status}
	if d.Justification != "" {
		body["justification"] = d.Justification
	}
	if d.Reason != "" {
		body["reason"] = d.Reason
	}
	if !d.ExpiresAt.IsZero() {
		body["expires_at"] = d.ExpiresAt
	}
	_, err = c.call(ctx, http.MethodPost, c.limited(pathDecisions), body, &made)
	return made, err
}

// RemoveDecision withdraws a decision.
func (c *Client) RemoveDecision(ctx context.Context, id int64) error {
	_, err := c.call(ctx, http.MethodDelete, pathDecision(id), nil, nil)
	return err
}

// ImportVEX imports a document in any of the formats that the server reads, in JSON.
func (c *Client) ImportVEX(ctx context.Context, document []byte) (out plimsoll.DocumentImport, err error) {
	if !json.Valid(document) {
		return out, plimsoll.Errorf(plimsoll.Invalid, "the VEX document is not JSON")
	}
	_, err = c.call(ctx, http.MethodPost, c.limited(pathVEX), json.RawMessage(document), &out)
	return out, err
}

// ExportVEX returns an OpenVEX document: what applies to an image, by record id, or every active decision for "".
func (c *Client) ExportVEX(ctx context.Context, image string) ([]byte, error) {
	var doc json.RawMessage
	err := c.get(ctx, pathVEX, c.limitedQuery("image_id", image), &doc)
	return doc, err
}

// limited is a path with the enterprise project of the client.
func (c *Client) limited(path string) string {
	if q := c.limitedQuery(); len(q) > 0 {
		return path + "?" + q.Encode()
	}
	return path
}
