package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5"

	"plimsoll"
)

const (
	headerRequestID = "X-Request-Id"
	headerTraceID   = "X-IAM-Trace-Id" // where clients look for the same in answers of the identity operations
)

// trip is what is known about one request on its way.
type trip struct {
	id   string
	base string // scheme and host that the client reached us by, for links
	err  error  // internal error, for the log line
}

type tripKey struct{}

// tripOf returns the trip of a request; an empty one outside of a request.
func tripOf(ctx context.Context) *trip {
	if t, ok := ctx.Value(tripKey{}).(*trip); ok {
		return t
	}
	return &trip{}
}

// identify gives each request an id of ours; a client's own is not taken over.
func (a *API) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw [16]byte
		rand.Read(raw[:]) //nolint:errcheck // never fails (crypto/rand)
		t := &trip{id: hex.EncodeToString(raw[:]), base: a.baseOf(r)}
		w.Header().Set(headerRequestID, t.id)
		if familyOf(r.URL.Path) == familyIAM {
			w.Header().Set(headerTraceID, t.id)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tripKey{}, t)))
	})
}

// baseOf is the address that links in answers begin with: the configured one, else the one that the
// client names itself. That goes back to nobody but the client.
func (a *API) baseOf(r *http.Request) string {
	if a.cfg.PublicURL != "" {
		return strings.TrimRight(a.cfg.PublicURL, "/")
	}
	base := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		base.Scheme = "https"
	}
	return base.String()
}

// logged writes one line a request: the route's pattern, never a path, a query or a header of the client.
func (a *API) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.cfg.Now()
		seen := &response{ResponseWriter: w}
		defer func() {
			t := tripOf(r.Context())
			attrs := []slog.Attr{
				slog.String("method", clean(r.Method)),
				slog.String("route", chi.RouteContext(r.Context()).RoutePattern()),
				slog.Int("status", seen.code()),
				slog.Int64("bytes", seen.bytes),
				slog.Duration("duration", a.cfg.Now().Sub(start)),
				slog.String("request_id", t.id),
			}
			level := slog.LevelInfo
			if t.err != nil {
				level = slog.LevelError
				attrs = append(attrs, slog.String("error", t.err.Error()))
			}
			a.cfg.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(seen, r)
	})
}

// guarded turns a panic into an internal error.
func (a *API) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			err := plimsoll.Errorf(plimsoll.Internal, "panic: %v\n%s", v, debug.Stack())
			if seen, ok := w.(*response); ok && seen.status != 0 {
				tripOf(r.Context()).err = fmt.Errorf("after the answer began: %w", err)
				return
			}
			refuse(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// secured sets the headers that keep browsers from making more of an answer than it is.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// methodNotAllowed names the methods that the path has (RFC 9110, section 15.5.6).
func (a *API) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		if a.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	refuse(w, r, errNoMethod)
}

// response counts what an answer weighs.
type response struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

func (w *response) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
