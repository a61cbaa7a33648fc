package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime"

	"github.com/danielgtaylor/huma/v2"
)

// Check is one thing that must work before requests are worth sending.
type Check struct {
	Name string // "store", "queue"
	Run  func(ctx context.Context) error
}

type healthOutput struct {
	Body struct {
		Status string `json:"status" enum:"ok"`
	}
}

type readyOutput struct {
	Status int
	Body   readyBody
}

type readyBody struct {
	Status string          `json:"status" enum:"ready,not_ready"`
	Checks map[string]bool `json:"checks" doc:"What was asked, and whether it works"`
}

type versionOutput struct {
	Body struct {
		Version string `json:"version"`
		Go      string `json:"go"`
	}
}

func (a *API) registerHealth() {
	open(a, huma.Operation{
		OperationID: "healthz", Method: http.MethodGet, Path: "/healthz",
		Tags: []string{"service"}, Summary: "Is the process alive?",
	}, func(context.Context, *struct{}) (*healthOutput, error) {
		out := &healthOutput{}
		out.Body.Status = "ok"
		return out, nil
	})
	open(a, huma.Operation{
		OperationID: "readyz", Method: http.MethodGet, Path: "/readyz",
		Tags: []string{"service"}, Summary: "Can it serve?", Description: "503 if the store does not answer or the queue does not run.",
	}, a.ready)
	closed(a, huma.Operation{
		OperationID: "showVersion", Method: http.MethodGet, Path: "/api/v1/version",
		Tags: []string{"service"}, Summary: "Show the version of the server",
	}, func(context.Context, *struct{}) (*versionOutput, error) {
		out := &versionOutput{}
		out.Body.Version, out.Body.Go = a.cfg.Version, runtime.Version()
		return out, nil
	})
}

// ready tells names only; why a check failed stands in the log.
func (a *API) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	out := &readyOutput{Status: http.StatusOK, Body: readyBody{Status: "ready", Checks: map[string]bool{}}}
	for _, c := range a.roles.Checks {
		err := c.Run(ctx)
		out.Body.Checks[c.Name] = err == nil
		if err != nil {
			out.Status, out.Body.Status = http.StatusServiceUnavailable, "not_ready"
			tripOf(ctx).err = fmt.Errorf("readiness check %s: %w", c.Name, err)
		}
	}
	return out, nil
}
