package api

import (
	"context"
	"fmt"
	"net/http"

	"plimsoll/api/base"
)

// Check is one thing that must work before requests are worth sending.
type Check struct {
	Name string // "store", "queue"
	Run  func(ctx context.Context) error
}

// serviceOperations are for load balancers and service managers.
var serviceOperations = []base.Operation{
	{
		ID: "healthz", Method: http.MethodGet, Path: "/healthz", Access: base.Public,
		Tag: "service", Summary: "Is the process alive?",
		Handler: base.Handle(health.alive),
	},
	{
		ID: "readyz", Method: http.MethodGet, Path: "/readyz", Access: base.Public,
		Tag: "service", Summary: "Can it serve?",
		Description: "503 if the store does not answer or the queue does not run.",
		Handler:     base.Handle(health.ready),
	},
}

// serviceFamily returns the operations at the root, whose errors have the shape of another family.
func serviceFamily(checks []Check, errors *base.Family) *base.Family {
	return &base.Family{
		Name: "service", Title: "Health", Prefixes: []string{"/healthz", "/readyz"},
		Operations: serviceOperations, Handlers: health{checks}, ErrorBody: errors.ErrorBody,
	}
}

// health answers whether the server works.
type health struct{ checks []Check }

type healthOutput struct {
	Body struct {
		Status string `json:"status" enum:"ok"`
	}
}

func (h health) alive(context.Context, *struct{}) (*healthOutput, error) {
	out := &healthOutput{}
	out.Body.Status = "ok"
	return out, nil
}

type readyOutput struct {
	Status int
	Body   readyBody
}

type readyBody struct {
	Status string          `json:"status" enum:"ready,not_ready"`
	Checks map[string]bool `json:"checks" doc:"Names of the checks, and whether each succeeded"`
}

// ready answers with names only; why a check failed is in the log.
func (h health) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	out := &readyOutput{Status: http.StatusOK, Body: readyBody{Status: "ready", Checks: map[string]bool{}}}
	for _, c := range h.checks {
		err := c.Run(ctx)
		out.Body.Checks[c.Name] = err == nil
		if err != nil {
			out.Status, out.Body.Status = http.StatusServiceUnavailable, "not_ready"
			base.LogError(ctx, fmt.Errorf("readiness check %s: %w", c.Name, err))
		}
	}
	return out, nil
}
