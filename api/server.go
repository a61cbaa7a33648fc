package api

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"plimsoll/api/base"
)

// Limits of a connection. Uploads of feeds extend the deadlines as they go.
const (
	readHeaderTime = 10 * time.Second
	readTime       = 60 * time.Second
	writeTime      = 120 * time.Second
	idleTime       = 120 * time.Second
	shutdownTime   = 20 * time.Second
	maxHeader      = 128 << 10 // bytes, as the vendor's gateway has it
)

// Server is an HTTP server with the limits above. TLS may be nil for plain HTTP.
func Server(h http.Handler, t *tls.Config, logger *slog.Logger) *http.Server {
	if t != nil {
		t = t.Clone()
		t.MinVersion = max(t.MinVersion, tls.VersionTLS12)
	}
	return &http.Server{
		Handler:           h,
		TLSConfig:         t,
		ReadHeaderTimeout: readHeaderTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(debugWriter{logger}, "", 0),
	}
}

// Serve answers on a listener until ctx ends, then lets running requests finish, 20 s at
// most. It returns when everything it began has ended; nil after an orderly stop.
func Serve(ctx context.Context, s *http.Server, l net.Listener) error {
	ended := make(chan error, 1)
	go func() {
		if s.TLSConfig != nil {
			ended <- s.ServeTLS(l, "", "")
			return
		}
		ended <- s.Serve(l)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	err := s.Shutdown(stop)
	if err != nil {
		err = errors.Join(err, s.Close())
	}
	if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// debugWriter logs what net/http reports about broken connections at the debug level.
type debugWriter struct{ log *slog.Logger }

func (q debugWriter) Write(p []byte) (int, error) {
	q.log.Debug("connection", "detail", base.CleanText(string(p)))
	return len(p), nil
}
