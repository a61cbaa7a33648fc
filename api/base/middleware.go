package base

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

const headerRequestID = "X-Request-Id"

// requestInfo is what the middleware knows about one request.
type requestInfo struct {
	id      string
	family  *Family
	baseURL string // scheme and host that the client reached the server by, for links
	err     error  // internal error, for the log line
}

type requestInfoKey struct{}

// infoOf returns the info of a request; assignRequestID put it there.
func infoOf(ctx context.Context) *requestInfo {
	info, _ := ctx.Value(requestInfoKey{}).(*requestInfo)
	return info
}

// ServerURL returns the address that links in the answer to a request begin with.
func ServerURL(ctx context.Context) string { return infoOf(ctx).baseURL }

// LogError adds an error to the log line of a request; the answer stays as it is.
func LogError(ctx context.Context, err error) { infoOf(ctx).err = err }

// assignRequestID gives each request a new id; one that the client sends is ignored.
func (s *Server) assignRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw [16]byte
		rand.Read(raw[:]) //nolint:errcheck // never fails (crypto/rand)
		info := &requestInfo{id: hex.EncodeToString(raw[:]), family: s.familyOf(r.URL.Path), baseURL: s.baseURL(r)}
		w.Header().Set(headerRequestID, info.id)
		if info.family.TraceHeader != "" {
			w.Header().Set(info.family.TraceHeader, info.id)
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestInfoKey{}, info)))
	})
}

// baseURL is the configured address, else the one that the client sends. The latter is returned to that
// client only.
func (s *Server) baseURL(r *http.Request) string {
	if s.cfg.PublicURL != "" {
		return strings.TrimRight(s.cfg.PublicURL, "/")
	}
	base := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		base.Scheme = "https"
	}
	return base.String()
}

// logRequests writes one line per request: the route's pattern, never a path, a query or a header of the client.
func (s *Server) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.cfg.Now()
		counted := &countingWriter{ResponseWriter: w}
		defer func() {
			info := infoOf(r.Context())
			attrs := []slog.Attr{
				slog.String("method", CleanText(r.Method)),
				slog.String("route", chi.RouteContext(r.Context()).RoutePattern()),
				slog.Int("status", counted.code()),
				slog.Int64("bytes", counted.bytes),
				slog.Duration("duration", s.cfg.Now().Sub(start)),
				slog.String("request_id", info.id),
			}
			level := slog.LevelInfo
			if info.err != nil {
				level = slog.LevelError
				attrs = append(attrs, slog.String("error", info.err.Error()))
			}
			s.cfg.Log.LogAttrs(r.Context(), level, "request", attrs...)
		}()
		next.ServeHTTP(counted, r)
	})
}

// recoverPanics answers a panic with an internal error.
func recoverPanics(next http.Handler) http.Handler {
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
			if counted, ok := w.(*countingWriter); ok && counted.status != 0 {
				infoOf(r.Context()).err = fmt.Errorf("after the answer began: %w", err)
				return
			}
			writeError(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}

// setSecurityHeaders keeps browsers from guessing types, running scripts, framing and caching.
func setSecurityHeaders(next http.Handler) http.Handler {
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
func (s *Server) methodNotAllowed(w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut} {
		if s.router.Match(chi.NewRouteContext(), method, r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	writeError(w, r, errNoMethod)
}

// countingWriter counts the bytes of an answer.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

func (w *countingWriter) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}
