package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
	"plimsoll/server"
)

type serveOptions struct {
	server.Config
	demo  bool
	exit  bool
	feeds feedOptions
}

func (a *application) serveCommand() *cobra.Command {
	o := serveOptions{Config: server.DefaultConfig()}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the API and work through syncs and scans",
		Long: `Serve opens the data directory, answers the API and works through the backlog until it
is stopped; running scans are then given --grace to end, and go back to the
backlog if they do not. On first use it makes a project and an administrator and
prints the password once.

Beyond the loopback interface it wants TLS (--tls-cert, --tls-key) or --insecure-http.`,
		Example: `  plimsoll serve
  plimsoll serve --demo
  plimsoll serve --listen :8443 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Feeds, o.FeedsFrom, o.Version, o.Logger = o.feeds.feeds, o.feeds.from, readBuild().Version, a.logger()
			if err := o.check(); err != nil {
				return err
			}
			if o.demo {
				return a.serveDemo(cmd.Context(), o)
			}
			return a.serve(cmd.Context(), o.Config)
		},
	}
	a.budgetFlags(cmd)
	a.rulesFlag(cmd)
	a.declaredFlag(cmd)
	a.clamdFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", o.Listen, "address to listen on")
	f.StringVar(&o.TLSCert, "tls-cert", "", "certificate chain in PEM")
	f.StringVar(&o.TLSKey, "tls-key", "", "private key in PEM")
	f.BoolVar(&o.InsecureHTTP, "insecure-http", false, "allow plain HTTP beyond the loopback interface")
	f.StringVar(&o.PublicURL, "public-url", "", "address that clients reach the server by, if a proxy in front has another: https://host")
	f.IntVar(&o.Work.Concurrency, "workers", o.Work.Concurrency, "units of work at a time")
	f.IntVar(&o.Work.Parallel, "parallel", o.Work.Parallel, "layers of one image read at once")
	f.DurationVar(&o.SyncEvery, "sync-every", o.SyncEvery, "sync each registry this often; 0 = only when asked")
	f.DurationVar(&o.Work.Grace, "grace", o.Work.Grace, "how long running work is given to end when the server is stopped")
	o.feeds.addFlags(cmd)
	a.staleFlag(cmd)
	f.DurationVar(&o.FeedsEvery, "feeds-every", o.FeedsEvery, "read each of --feeds this often, give or take a tenth; 0 = only when asked")
	f.StringSliceVar(&o.VerifyKeys, "verify-key", nil, "public key in PEM that uploaded bundles may be signed with (repeatable)")
	f.BoolVar(&o.demo, "demo", false, "serve sample images from a registry in this process, in <data>/demo")
	f.BoolVar(&o.exit, "exit", false, "with --demo: end after the list is printed")
	return cmd
}

// check rejects options that cannot work, before anything is opened.
func (o serveOptions) check() error {
	if o.exit && !o.demo {
		return plimsoll.Errorf(plimsoll.Invalid, "--exit goes with --demo")
	}
	return o.Check()
}

func (a *application) serve(ctx context.Context, c server.Config) error {
	site, err := a.openSite(ctx, a.config())
	if err != nil {
		return err
	}
	defer site.Close() //nolint:errcheck // the error of serving matters more
	running, err := server.Start(ctx, site, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "listening on %s\n", running.URL)
	return running.Wait()
}

// serveDemo does everything once with samples: registry, advisories, sync, scan, list.
func (a *application) serveDemo(ctx context.Context, o serveOptions) error {
	top, config := a.data, a.config()
	config.Data = filepath.Join(top, "demo")
	// Another process that has the directory open keeps its samples and their port.
	if err := app.CheckUnused(config.Data); err != nil {
		return err
	}
	p := a.newProgress()
	p.stage("compose sample images", "")
	samples, err := app.StartSamples(ctx, config.Data)
	if err != nil {
		return err
	}
	defer samples.Close() //nolint:errcheck // it only serves samples
	config.AllowHosts = append(slices.Clone(config.AllowHosts), samples.Host())
	site, err := app.Open(ctx, config)
	if err != nil {
		return err
	}
	defer site.Close() //nolint:errcheck // the error of serving matters more
	running, err := server.Start(ctx, site, o.Config)
	if err != nil {
		return err
	}
	err = a.showDemo(ctx, site, running.URL, samples, top, p)
	if err != nil || o.exit {
		running.Stop()
	}
	return errors.Join(err, running.Wait())
}

func (a *application) showDemo(ctx context.Context, site *app.Site, url string, samples *app.Samples, top string, p *progress) error {
	p.stage("import sample advisories", "")
	if err := site.ImportSamples(ctx); err != nil {
		return err
	}
	err := site.SyncSamples(ctx, samples, func(t plimsoll.Task) {
		p.stage(string(t.Kind)+" sample images", fmt.Sprintf("%d of %d", t.Done, t.Total))
	})
	p.done()
	if err != nil {
		return err
	}
	page, err := site.Images.Images(ctx, plimsoll.ImageFilter{ProjectID: site.Project.ID, Limit: plimsoll.MaxLimit})
	if err != nil {
		return err
	}
	if err := a.printImages(page); err != nil {
		return err
	}
	token, err := writeDemoEnv(ctx, site, url, top)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, `
The same from the API at %s (documentation: %s/docs; credentials: %s):

  curl -H 'X-Auth-Token: %s' '%s/v5/%s/image/swr-repository?image_type=private_image&limit=50'

`, url, url, filepath.Join(top, "demo.env"), token, url, site.Project.ID)
	return nil
}

// writeDemoEnv writes a token and an access key into files that a shell can source: in top and in the demo's own
// directory. It returns the token.
func writeDemoEnv(ctx context.Context, site *app.Site, url, top string) (token string, err error) {
	own, copied := filepath.Join(top, "demo", "demo.env"), filepath.Join(top, "demo.env")
	earlier := readEnv(own)
	c, err := site.DemoCredentials(ctx, app.DemoCredentials{
		Token: earlier["PLIMSOLL_TOKEN"], Access: earlier["PLIMSOLL_ACCESS_KEY"], Secret: earlier["PLIMSOLL_SECRET_KEY"],
	})
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("PLIMSOLL_ENDPOINT=%s\nPLIMSOLL_PROJECT_ID=%s\nPLIMSOLL_TOKEN=%s\nPLIMSOLL_ACCESS_KEY=%s\nPLIMSOLL_SECRET_KEY=%s\n",
		url, site.Project.ID, c.Token, c.Access, c.Secret)
	return c.Token, errors.Join(writePrivate(own, text), writePrivate(copied, text))
}

// writePrivate replaces a file as a whole, readable by its owner only.
func writePrivate(path, text string) error {
	tmp := path + ".new"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func readEnv(path string) map[string]string {
	values := map[string]string{}
	raw, err := os.ReadFile(path)
	if err != nil {
		return values
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			values[name] = value
		}
	}
	return values
}
