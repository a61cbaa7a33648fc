package base

import (
	"net/http"
	"net/url"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"plimsoll"
)

// cleanQuery drops parameters without a value before huma reads the query: bare keys (clients generated from a
// contract send one for every required string left empty) and empty values. huma alone would
// read a bare key as "true". It runs after authenticate, which needs the query as it was signed.
func (s *Server) cleanQuery(ctx huma.Context, next func(huma.Context)) {
	r, _ := humachi.Unwrap(ctx)
	query, err := normalQuery(r.URL.RawQuery)
	if err != nil {
		huma.WriteErr(s.huma, ctx, http.StatusBadRequest, "", err) //nolint:errcheck // the client is gone
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

// Optional is a query parameter whose absence differs from its zero value.
type Optional[T any] struct {
	value T
	set   bool
}

// Schema returns the schema of the bare value.
func (o Optional[T]) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[T]())
}

// Receiver returns the place into which huma parses the value.
func (o *Optional[T]) Receiver() reflect.Value { return reflect.ValueOf(&o.value).Elem() }

// OnParamSet records whether the parameter is present.
func (o *Optional[T]) OnParamSet(set bool, _ any) { o.set = set }

// Pointer returns nil for an absent parameter.
func (o Optional[T]) Pointer() *T {
	if !o.set {
		return nil
	}
	return &o.value
}
