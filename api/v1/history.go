package v1

import (
	"context"
	"time"

	"plimsoll"
)

// HistoryReader returns the past of one image.
type HistoryReader interface {
	ImageHistory(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.HistoryPage, error)
	ImageFindingsAt(ctx context.Context, img plimsoll.Image, f plimsoll.HistoryFilter) (plimsoll.FindingsAt, error)
}

// HistoryQuery holds the parameters of both operations.
type HistoryQuery struct {
	ImagePath
	PageQuery
	Vulnerability string `query:"vulnerability" maxLength:"128" doc:"Id, alias or advisory, any case; absent = all"`
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

func (h *handlers) listHistory(ctx context.Context, in *HistoryQuery) (*historyOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	page, err := h.roles.Histories.ImageHistory(ctx, img, in.filter())
	if err != nil {
		return nil, err
	}
	return &historyOutput{Body: page}, nil
}

func (h *handlers) listFindings(ctx context.Context, in *findingsAtInput) (*findingsAtOutput, error) {
	img, err := h.findImage(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	f := in.filter()
	f.At = in.At
	found, err := h.roles.Histories.ImageFindingsAt(ctx, img, f)
	if err != nil {
		return nil, err
	}
	return &findingsAtOutput{Body: found}, nil
}
