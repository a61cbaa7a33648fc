package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"plimsoll"
)

// HistoryReader tells the past of one image.
type HistoryReader interface {
	ImageHistory(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error)
	ImageFindingsAt(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error)
}

// HistoryQuery holds the parameters of both operations.
type HistoryQuery struct {
	ID                string `path:"id" minLength:"1" maxLength:"128" doc:"Record id, or the hex digits of the manifest digest"`
	EnterpriseProject string `query:"enterprise_project_id" maxLength:"256" doc:"Enterprise project; absent = every one that the caller may see"`
	Vulnerability     string `query:"vulnerability" maxLength:"128" doc:"Id, alias or advisory, any case; absent = all"`
	After             string `query:"after" maxLength:"8192" doc:"Member next of the page before; absent = the first page"`
	Limit             int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (in HistoryQuery) filter() plimsoll.HistoryFilter {
	return plimsoll.HistoryFilter{Vulnerability: in.Vulnerability, After: in.After, Limit: in.Limit}
}

type historyOutput struct{ Body plimsoll.HistoryPage }

type findingsAtInput struct {
	HistoryQuery
	At time.Time `query:"at" doc:"RFC 3339; absent = now"`
}

type findingsAtOutput struct{ Body plimsoll.FindingsAt }

func (a *API) registerHistory() {
	closed(a, huma.Operation{
		OperationID: "listImageHistory", Method: http.MethodGet, Path: "/api/v1/images/{id}/history",
		Tags: []string{"history"}, Summary: "List what happened to the vulnerabilities of an image, newest first",
		Description: "When each appeared, changed or was resolved, and why: an advisory, the matcher, another artifact behind the tag. The image is one of the caller's project.",
	}, a.listHistory)
	closed(a, huma.Operation{
		OperationID: "listImageFindings", Method: http.MethodGet, Path: "/api/v1/images/{id}/findings",
		Tags: []string{"history"}, Summary: "List the vulnerabilities of an image as of an instant",
		Description: "With since when and until when each holds. known is false if the image, as it was then, had not been looked at.",
	}, a.listFindingsAt)
}

func (a *API) listHistory(ctx context.Context, in *HistoryQuery) (*historyOutput, error) {
	img, err := a.pastImage(ctx, *in)
	if err != nil {
		return nil, err
	}
	page, err := a.roles.Histories.ImageHistory(ctx, img, in.filter())
	if err != nil {
		return nil, err
	}
	return &historyOutput{Body: page}, nil
}

func (a *API) listFindingsAt(ctx context.Context, in *findingsAtInput) (*findingsAtOutput, error) {
	img, err := a.pastImage(ctx, in.HistoryQuery)
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.At = in.At
	found, err := a.roles.Histories.ImageFindingsAt(ctx, img, f)
	if err != nil {
		return nil, err
	}
	return &findingsAtOutput{Body: found}, nil
}

// pastImage finds an image of the caller's project.
func (a *API) pastImage(ctx context.Context, in HistoryQuery) (plimsoll.Image, error) {
	p := caller(ctx)
	if p.Project.ID == "" {
		return plimsoll.Image{}, plimsoll.Errorf(plimsoll.Forbidden, "the token is of no project").WithHint("ask for one that is scoped to a project")
	}
	eps, err := ownScope(p, plimsoll.RoleReader, in.EnterpriseProject)
	if err != nil {
		return plimsoll.Image{}, err
	}
	return a.find(ctx, plimsoll.ImageLookup{ProjectID: p.Project.ID, EnterpriseProjects: eps, ID: in.ID})
}
