// Package server runs a site as a service: the API over HTTP, the work on the backlog, and what happens on schedule.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/api"
	"plimsoll/app"
)

// Config is how a site is served.
type Config struct {
	Listen       string // host:port; port 0 takes any that is free
	TLSCert      string // file with the certificate chain in PEM; "" = plain HTTP
	TLSKey       string // file with the private key in PEM
	InsecureHTTP bool   // allow plain HTTP beyond the loopback interface
	PublicURL    string // http(s)://host[:port] that clients use if a proxy in front has another address; "" = Listen

	Work      app.WorkOptions
	SyncEvery time.Duration // sync each registry this often; 0 = only when asked

	Feeds      []string // to keep current, as app.ParseFeeds reads them
	FeedsFrom  []string
	FeedsEvery time.Duration // read each feed about this often; 0 = only when asked

	VerifyKeys []string // files with public keys that uploaded bundles may be signed with

	Version string // of the program
	Logger  *slog.Logger
}

// DefaultConfig listens on the loopback interface, syncs each registry once a day, and reads no feeds.
func DefaultConfig() Config {
	return Config{
		Listen: "127.0.0.1:8080", Work: app.DefaultWork(), SyncEvery: 24 * time.Hour, FeedsEvery: time.Hour,
		Version: "devel", Logger: slog.New(slog.DiscardHandler),
	}
}

// Check rejects settings that cannot work. It opens nothing but the certificate.
func (c Config) Check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "--listen %.80q is not host:port", c.Listen)
	}
	if c.Work.Concurrency < 1 || c.Work.Parallel < 1 {
		return plimsoll.Errorf(plimsoll.Invalid, "--workers and --parallel are at least 1")
	}
	if c.SyncEvery < 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--sync-every %s is negative", c.SyncEvery)
	}
	if c.FeedsEvery < 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--feeds-every %s is negative", c.FeedsEvery)
	}
	if c.Work.Grace <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--grace %s is not positive", c.Work.Grace)
	}
	_, err := c.tlsConfig()
	return err
}

// checkPublicURL accepts scheme and host alone: operations have fixed paths.
func checkPublicURL(address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	return plimsoll.Errorf(plimsoll.Invalid, "public address %.200q is not http(s)://host[:port]", address)
}

// tlsConfig reads the certificate, and refuses plain HTTP beyond the loopback interface; nil = plain HTTP.
func (c Config) tlsConfig() (*tls.Config, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "--tls-cert and --tls-key go together")
	}
	if c.TLSCert == "" {
		if host, _, err := net.SplitHostPort(c.Listen); !c.InsecureHTTP && (err != nil || !app.IsLoopback(host)) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "plain HTTP on %s would show passwords and tokens to the network", c.Listen).
				WithHint("give --tls-cert and --tls-key, or --insecure-http if something in front of it does TLS")
		}
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// Server is a site that is served. Its parts run until Stop, or until one of them fails.
type Server struct {
	URL string

	cancel context.CancelFunc
	ended  chan error
	parts  int
}

// Start listens, then serves and works in the background until ctx ends or Stop is called.
func Start(ctx context.Context, site *app.Site, c Config) (*Server, error) {
	if err := checkPublicURL(c.PublicURL); err != nil {
		return nil, err
	}
	tlsConfig, err := c.tlsConfig()
	if err != nil {
		return nil, err
	}
	if err := site.Tasks.Prepare(c.Work); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "listen: %w", err).
			WithHint("choose another address with --listen; port 0 takes any that is free")
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &Server{cancel: cancel, ended: make(chan error, 4), URL: "http://" + listener.Addr().String()}
	if tlsConfig != nil {
		s.URL = "https://" + listener.Addr().String()
	}
	if err := s.startParts(ctx, site, c, tlsConfig, listener); err != nil {
		cancel()
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

func (s *Server) startParts(ctx context.Context, site *app.Site, c Config, tlsConfig *tls.Config, listener net.Listener) error {
	feeds, err := app.ParseFeeds(c.Feeds, c.FeedsFrom)
	if err != nil {
		return err
	}
	trust, err := app.ReadTrust(c.VerifyKeys, false)
	if err != nil {
		return err
	}
	if err := errors.Join(site.Analysis.StartChild(ctx), site.Analysis.LogProblems(ctx), site.Advisories.RequestRematch(ctx, "start")); err != nil {
		return err
	}
	handler := Handler(site, c, trust)
	s.startPart(func() error { return site.Tasks.Run(ctx) })
	s.startPart(func() error { return api.Serve(ctx, api.Server(handler, tlsConfig, c.Logger), listener) })
	s.startPart(func() error { return site.Schedule.Run(ctx, c.SyncEvery) })
	if len(feeds) > 0 && c.FeedsEvery > 0 {
		s.startPart(func() error { return site.Advisories.KeepCurrent(ctx, feeds, c.FeedsEvery) })
	}
	return nil
}

func (s *Server) startPart(run func() error) {
	s.parts++
	go func() { s.ended <- run() }()
}

// Stop ends every part; Wait waits for them.
func (s *Server) Stop() { s.cancel() }

// Wait returns when every part has ended; the first that fails ends the others.
func (s *Server) Wait() error {
	var errs []error
	for range s.parts {
		err := <-s.ended
		s.cancel()
		if !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
