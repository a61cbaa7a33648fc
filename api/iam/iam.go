package iam

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll/api/base"
)

// Roles are what the handlers ask; all of them are required.
type Roles struct {
	Tokens   Tokens
	SignIns  SignIns
	Projects ProjectLister
}

// handlers holds what the handlers of the family share.
type handlers struct{ roles Roles }

// Family returns the identity operations.
func Family(roles Roles) *base.Family {
	return &base.Family{
		Name: "iam", Title: "Identity: tokens, projects and enterprise projects", Prefixes: []string{"/v3", "/v1.0"},
		Operations: operations, Handlers: &handlers{roles: roles},
		ErrorBody: errorBody, TraceHeader: "X-IAM-Trace-Id",
	}
}

// iamError is the error body of the identity API.
type iamError struct {
	Inner iamErrorBody `json:"error"`
}

type iamErrorBody struct {
	Code    int    `json:"code" doc:"HTTP status"`
	Message string `json:"message"`
	Title   string `json:"title" doc:"The status in words"`
}

func (e *iamError) Error() string  { return e.Inner.Message }
func (e *iamError) GetStatus() int { return e.Inner.Code }

func errorBody(f base.Failure) huma.StatusError {
	return &iamError{Inner: iamErrorBody{Code: f.Status, Message: f.Message, Title: http.StatusText(f.Status)}}
}
