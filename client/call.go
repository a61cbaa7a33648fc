package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"plimsoll"
)

// callTimeout bounds one request, except uploads.
const callTimeout = 2 * time.Minute

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 64 << 20

// call sends body as JSON, unless it is nil, and decodes the answer into into, unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, body, into any) (http.Header, error) {
	var content io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(raw)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.do(req, into)
}

// get decodes the answer to a GET request into into.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	_, err := c.call(ctx, http.MethodGet, path, nil, into)
	return err
}

// listAll reads every page of a list.
func listAll[T any](ctx context.Context, c *Client, path string, query url.Values) ([]T, error) {
	items := []T{}
	if query == nil {
		query = url.Values{}
	}
	query.Set("limit", strconv.Itoa(plimsoll.MaxLimit))
	for {
		var page plimsoll.Page[T]
		if err := c.get(ctx, path, query, &page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.Next == "" {
			return items, nil
		}
		query.Set("after", page.Next)
	}
}

func (c *Client) do(req *http.Request, into any) (http.Header, error) {
	if c.token != "" {
		req.Header.Set("X-Auth-Token", c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, connectionError(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "read the server's answer: %w", err)
	case len(raw) > maxAnswer:
		return nil, plimsoll.Errorf(plimsoll.TooLarge, "the server's answer is larger than %d bytes", maxAnswer)
	case resp.StatusCode >= http.StatusMultipleChoices:
		return nil, answeredError(resp.StatusCode, raw)
	case into == nil || len(raw) == 0:
		return resp.Header, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "the server's answer is not what this program knows: %w", err)
	}
	return resp.Header, nil
}

func connectionError(err error) error {
	hint := "is it running, and is PLIMSOLL_ENDPOINT right?"
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		hint = "if its certificate is from a private authority, name that with --ca-file"
	}
	return plimsoll.Errorf(plimsoll.Unavailable, "ask the server: %w", err).WithHint("%s", hint)
}

// answeredError converts an error answer, in the format of any of the server's API families.
func answeredError(status int, raw []byte) error {
	var body struct {
		Code     plimsoll.Code `json:"code"`
		Message  string        `json:"message"`
		Hint     string        `json:"hint"`
		ErrorMsg string        `json:"error_msg"`
		Error    struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(raw, &body) // without JSON, the status is all there is
	code, hint := codeOfStatus(status)
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

// codeOfStatus is the error code and hint for an answer whose body has none.
func codeOfStatus(status int) (code plimsoll.Code, hint string) {
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
