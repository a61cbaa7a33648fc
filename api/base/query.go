package api

import (
	"net/http"
	"net/url"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
)

// cleanQuery drops what the contract calls absent before huma reads the query: bare keys (the vendor's
// Go client sends one for every required string left empty) and empty values. huma alone would
// read a bare key as "true". It runs after authenticate, which needs the query as it was signed.
func (a *API) cleanQuery(ctx huma.Context, next func(huma.Context)) {
	r, _ := humachi.Unwrap(ctx)
	query, err := normalQuery(r.URL.RawQuery)
	if err != nil {
		huma.WriteErr(a.huma, ctx, http.StatusBadRequest, "", err) //nolint:errcheck // the client is gone
		return
	}
	r.URL.RawQuery = query
	next(ctx)
}

// normalQuery re-encodes a query without its empty values.
func normalQuery(raw string) (string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Invalid, "the query is not well encoded")
	}
	full := make(url.Values, len(values))
	for key, list := range values {
		for _, v := range list {
			if v != "" {
				full[key] = append(full[key], v)
			}
		}
	}
	return full.Encode(), nil
}

// optional is a query parameter whose absence differs from its zero value.
type optional[T any] struct {
	value T
	set   bool
}

// Schema is that of the bare value.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver is where huma parses the value into.
func (o *optional[T]) Receiver() reflect.Value { return reflect.ValueOf(&o.value).Elem() }

// OnParamSet is told whether the parameter was there.
func (o *optional[T]) OnParamSet(set bool, _ any) { o.set = set }

// pointer is nil for an absent parameter.
func (o optional[T]) pointer() *T {
	if !o.set {
		return nil
	}
	return &o.value
}
