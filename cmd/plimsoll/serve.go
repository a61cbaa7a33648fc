package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/advisory/feed"
	"plimsoll/api"
	"plimsoll/api/hss"
	"plimsoll/api/iam"
	v1 "plimsoll/api/v1"
	"plimsoll/auth"
)

type serveOptions struct {
	listen       string
	tlsCert      string
	tlsKey       string
	insecureHTTP bool
	publicURL    string
	workers      int
	parallel     int
	syncEvery    time.Duration
	grace        time.Duration
	demo         bool
	exit         bool
	feeds        feedOptions
	verifyKeys   []string
}

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and work through syncs and scans",
		Long: `Serve opens the data directory, answers the API and works through the backlog until it
is told to stop; running scans are then given --grace to end, and go back to the
backlog if they do not. On first use it makes a project and an administrator and
prints the password once.

Beyond the loopback interface it wants TLS (--tls-cert, --tls-key) or --insecure-http.`,
		Example: `  plimsoll serve
  plimsoll serve --demo
  plimsoll serve --listen :8443 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.demo {
				return a.serveDemo(cmd.Context(), o)
			}
			return a.serve(cmd.Context(), o)
		},
	}
	a.budgetFlags(cmd)
	a.rulesFlag(cmd)
	a.clamdFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:8080", "address to listen on")
	f.StringVar(&o.tlsCert, "tls-cert", "", "certificate chain in PEM")
	f.StringVar(&o.tlsKey, "tls-key", "", "private key in PEM")
	f.BoolVar(&o.insecureHTTP, "insecure-http", false, "allow plain HTTP beyond the loopback interface")
	f.StringVar(&o.publicURL, "public-url", "", "address that clients reach the server by, if a proxy in front has another: https://host")
	f.IntVar(&o.workers, "workers", 2, "units of work at a time")
	f.IntVar(&o.parallel, "parallel", 2, "layers of one image read at once")
	f.DurationVar(&o.syncEvery, "sync-every", 24*time.Hour, "sync each registry this often; 0 = only when asked")
	f.DurationVar(&o.grace, "grace", 20*time.Second, "how long running work is given to end when the server is stopped")
	o.feeds.flags(cmd)
	a.staleFlag(cmd)
	f.DurationVar(&o.feeds.every, "feeds-every", time.Hour, "read each of --feeds this often, give or take a tenth; 0 = only when asked")
	f.StringSliceVar(&o.verifyKeys, "verify-key", nil, "public key in PEM that uploaded bundles may be signed with (repeatable)")
	f.BoolVar(&o.demo, "demo", false, "serve sample images from a registry in this process, in <data>/demo")
	f.BoolVar(&o.exit, "exit", false, "with --demo: end after the list is printed")
	return cmd
}

func (a *app) serve(ctx context.Context, o serveOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	s, err := a.openSite(ctx)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the error of serving matters more
	a.announce(s)
	d, err := s.start(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "listening on %s\n", d.url)
	return d.wait()
}

// daemon is a running server with its queue.
type daemon struct {
	*services
	url    string
	cancel context.CancelFunc
	ended  chan error
	parts  int
}

// start listens, then serves and works in the background until ctx ends.
func (s *site) start(ctx context.Context, o serveOptions) (*daemon, error) {
	if err := checkPublicURL(o.publicURL); err != nil {
		return nil, err
	}
	config, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	q, err := s.queue(queueOptions{concurrency: o.workers, parallel: o.parallel, grace: o.grace})
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "listen: %w", err).
			WithHint("choose another address with --listen; port 0 takes any that is free")
	}
	feeds, err := feed.Parse(o.feeds.feeds, o.feeds.from)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	trust, err := trustOf(o.verifyKeys, false)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	sv := &services{
		trust: trust,
		site:  s,
		queue: q,
		auth:  auth.New(auth.DefaultConfig(), s.inventory, s.passwords, s.key, time.Now),
	}
	d := &daemon{services: sv, cancel: cancel, ended: make(chan error, 4), url: "http://" + listener.Addr().String()}
	if config != nil {
		d.url = "https://" + listener.Addr().String()
	}
	if err := errors.Join(s.analysis.warm(ctx), s.analysis.warn(ctx), sv.askRematch(ctx, "start")); err != nil {
		cancel()
		return nil, errors.Join(err, listener.Close())
	}
	d.run(func() error { return sv.queue.Run(ctx) })
	d.run(func() error { return api.Serve(ctx, api.Server(sv.handler(o.publicURL), config, s.logger), listener) })
	d.run(func() error { return sv.keepCurrent(ctx, o.syncEvery) })
	if len(feeds) > 0 && o.feeds.every > 0 {
		schedule := &feed.Schedule{
			Updater: s.updater(), Feeds: feeds, Every: o.feeds.every,
			Changed: func(ctx context.Context) error { return sv.askRematch(ctx, "feeds") },
		}
		d.run(func() error { return schedule.Run(ctx) })
	}
	return d, nil
}

func (d *daemon) run(part func() error) {
	d.parts++
	go func() { d.ended <- part() }()
}

// wait returns when every part has ended; the first that fails ends the others.
func (d *daemon) wait() error {
	var errs []error
	for range d.parts {
		err := <-d.ended
		d.cancel()
		if !errors.Is(err, context.Canceled) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *services) handler(publicURL string) *api.API {
	config := api.DefaultConfig()
	config.Version, config.Log, config.OperatorDomain, config.PublicURL = readBuild().Version, s.logger, s.domain.ID, publicURL
	config.TempDir = s.analysis.options.Temp // emptied at each start: a killed server leaves no upload behind
	return api.New(config, api.Roles{
		Callers: s.auth,
		HSS:     s.contractRoles(),
		IAM:     iam.Roles{Tokens: s.auth, SignIns: s, Projects: s.inventory},
		V1:      s.ownRoles(),
		Checks: []api.Check{
			{Name: "store", Run: func(ctx context.Context) error { _, err := s.inventory.PendingCounts(ctx); return err }},
			{Name: "advisories", Run: func(ctx context.Context) error { _, err := s.advisories.Revision(ctx); return err }},
		},
	})
}

// contractRoles implement the operations of the vendor's contract.
func (s *services) contractRoles() hss.Roles {
	return hss.Roles{
		Images: s.inventory, Lookup: s.inventory, Files: s.inventory, Settings: s.inventory, Software: s.inventory,
		Secrets: s.inventory, Malware: s.inventory, WeakPasswords: s, Vulnerabilities: s, CVEs: s, Scans: s,
		Registries: s.inventory, Tasks: s, Decisions: s, Census: s.inventory, SecretRules: s.analysis.secretRules(),
	}
}

// ownRoles implement the operations under /api/v1.
func (s *services) ownRoles() v1.Roles {
	return v1.Roles{
		Images: s.inventory, Lookup: s.inventory, Files: s.inventory, Settings: s.inventory, Software: s.inventory,
		Secrets: s.inventory, Histories: s.inventory, Scans: s, Registries: s.inventory, NewRegistries: s, Tasks: s,
		Advisories: s, Users: people{s.identity}, Keys: s.identity, Decisions: s, VEX: s, Explainer: s,
	}
}

// keepCurrent asks, once a minute, for a sync of every registry whose last one is older
// than every (0 = never), and for a rematch that an import could not ask for itself. Counts
// follow decisions whose unit of work was given up.
func (s *services) keepCurrent(ctx context.Context, every time.Duration) error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-tick.C:
			err := s.askRematch(ctx, "schedule")
			err = errors.Join(err, s.prune(ctx, now), s.followDecisions(ctx, plimsoll.Work{}))
			if every > 0 {
				err = errors.Join(err, s.syncDue(ctx, now.Add(-every)))
			}
			if err != nil && ctx.Err() == nil {
				s.logger.ErrorContext(ctx, "scheduled work could not be asked for", "error", err)
			}
		}
	}
}

// keptTasks is how long tasks that have ended can be looked at.
const keptTasks = 30 * 24 * time.Hour

// prune forgets ended tasks and expired tokens.
func (s *services) prune(ctx context.Context, now time.Time) error {
	_, err := s.inventory.PruneTasks(ctx, now.Add(-keptTasks))
	_, tokenErr := s.auth.Prune(ctx)
	return errors.Join(err, tokenErr)
}

func (s *services) syncDue(ctx context.Context, before time.Time) error {
	projects, err := s.inventory.Projects(ctx, s.domain.ID)
	if err != nil {
		return err
	}
	for _, p := range projects {
		registries, err := s.inventory.Registries(ctx, p.ID, nil)
		if err != nil {
			return err
		}
		for _, reg := range registries {
			if reg.CreatedAt.After(before) || (reg.LastSync != nil && reg.LastSync.At.After(before)) {
				continue
			}
			work := syncWork(reg)
			work.Priority = plimsoll.PriorityBulk
			task := plimsoll.Task{Tenant: reg.Tenant, Kind: plimsoll.WorkSync, By: "schedule"}
			if err := s.CreateTask(ctx, &task, []plimsoll.Work{work}); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkPublicURL wants scheme and host alone: operations are at fixed paths.
func checkPublicURL(address string) error {
	u, err := url.Parse(address)
	if address == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == "" {
		return nil
	}
	return plimsoll.Errorf(plimsoll.Invalid, "public address %.200q is not http(s)://host[:port]", address)
}

// check refuses options that cannot work, before anything is opened.
func (o serveOptions) check() error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "--listen %.80q is not host:port", o.listen)
	}
	if o.exit && !o.demo {
		return plimsoll.Errorf(plimsoll.Invalid, "--exit goes with --demo")
	}
	if o.workers < 1 || o.parallel < 1 {
		return plimsoll.Errorf(plimsoll.Invalid, "--workers and --parallel are at least 1")
	}
	if o.syncEvery < 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--sync-every %s is negative", o.syncEvery)
	}
	if o.feeds.every < 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--feeds-every %s is negative", o.feeds.every)
	}
	if o.grace <= 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "--grace %s is not positive", o.grace)
	}
	_, err := tlsConfig(o)
	return err
}

// tlsConfig reads the certificate, and refuses plain HTTP beyond the loopback interface.
func tlsConfig(o serveOptions) (*tls.Config, error) {
	if (o.tlsCert == "") != (o.tlsKey == "") {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "--tls-cert and --tls-key go together")
	}
	if o.tlsCert == "" {
		if host, _, err := net.SplitHostPort(o.listen); !o.insecureHTTP && (err != nil || !isLoopback(host)) {
			return nil, plimsoll.Errorf(plimsoll.Invalid, "plain HTTP on %s would show passwords and tokens to the network", o.listen).
				WithHint("give --tls-cert and --tls-key, or --insecure-http if something in front of it does TLS")
		}
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.tlsCert, o.tlsKey)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "TLS certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}
