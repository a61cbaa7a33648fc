package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plimsoll"
	"plimsoll/advisory/bundle"
	"plimsoll/demo"
)

const demoRegistry = "demo"

// serveDemo runs the whole job on samples: registry, advisories, sync, scan, list.
func (a *app) serveDemo(ctx context.Context, o serveOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	top := a.data
	a.data = filepath.Join(top, "demo")
	if err := os.MkdirAll(a.data, 0o700); err != nil {
		return plimsoll.Errorf(plimsoll.Unavailable, "demo directory: %w", err)
	}
	// Another process that has the directory must keep its samples and their port.
	lock, err := lockData(a.data)
	if err != nil {
		return err
	}
	if err := lock.Close(); err != nil { // openSite takes it again
		return err
	}
	p := a.progress()
	p.stage("compose sample images", "")
	samples, err := demo.StartRegistry(ctx, filepath.Join(a.data, "registry"))
	if err != nil {
		return err
	}
	defer samples.Close() //nolint:errcheck // it only serves samples
	s, err := a.openSite(ctx, samples.Host())
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the error of serving matters more
	d, err := s.start(ctx, o)
	if err != nil {
		return err
	}
	err = a.runDemo(ctx, d, samples, top, p)
	if err != nil || o.exit {
		d.cancel()
	}
	return errors.Join(err, d.wait())
}

func (a *app) runDemo(ctx context.Context, d *daemon, samples *demo.Registry, top string, p *progress) error {
	p.stage("import sample advisories", "")
	records := filepath.Join(a.data, "advisories")
	if err := demo.WriteAdvisories(records); err != nil {
		return err
	}
	if _, err := d.importFeed(ctx, records, demo.FeedName, bundle.Trust{}, nil); err != nil {
		return err
	}
	if err := d.askRematch(ctx, "demo"); err != nil {
		return err
	}
	reg, err := d.demoRegistry(ctx, samples)
	if err != nil {
		return err
	}
	_, err = syncAndScan(ctx, d.site, d.queue, reg, func(t plimsoll.Task) {
		p.stage(string(t.Kind)+" sample images", fmt.Sprintf("%d of %d", t.Done, t.Total))
	})
	p.done()
	if err != nil {
		return err
	}
	page, err := d.inventory.Images(ctx, plimsoll.ImageFilter{ProjectID: d.site.project.ID, Limit: plimsoll.MaxLimit})
	if err != nil {
		return err
	}
	if err := a.printImages(page); err != nil {
		return err
	}
	token, err := a.writeDemoEnv(ctx, d, top)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, `
The same from the API at %s (documentation: %s/docs; credentials: %s):

  curl -H 'X-Auth-Token: %s' '%s/v5/%s/image/swr-repository?image_type=private_image&limit=50'

`, d.url, d.url, filepath.Join(top, "demo.env"), token, d.url, d.site.project.ID)
	return nil
}

// demoRegistry finds the registry of an earlier run, or adds it. One whose port has
// changed is added anew.
func (s *site) demoRegistry(ctx context.Context, samples *demo.Registry) (plimsoll.Registry, error) {
	reg, err := s.inventory.RegistryByName(ctx, s.project.ID, demoRegistry)
	if err == nil && reg.URL == samples.URL() {
		return reg, nil
	}
	if err == nil {
		err = s.registries.Remove(ctx, s.project.ID, reg.ID)
	}
	if err != nil && plimsoll.ErrorCode(err) != plimsoll.NotFound {
		return reg, err
	}
	return s.registries.Add(ctx, plimsoll.RegistrySpec{Registry: plimsoll.Registry{
		Tenant: plimsoll.Tenant{ProjectID: s.project.ID}, Name: demoRegistry, URL: samples.URL(), ScanOnSync: true,
	}})
}

// demoTokenLeft is how long a token of an earlier run must still be good to be used again.
const demoTokenLeft = 12 * time.Hour

// writeDemoEnv makes a token and an access key and writes them where a shell can source
// them. Those of an earlier run are used again.
func (a *app) writeDemoEnv(ctx context.Context, d *daemon, top string) (token string, err error) {
	own, copied := filepath.Join(a.data, "demo.env"), filepath.Join(top, "demo.env")
	admin, err := d.inventory.UserByName(ctx, d.domain.ID, "admin")
	if err != nil {
		return "", err
	}
	old := readEnv(own)
	token = old["PLIMSOLL_TOKEN"]
	t, p, err := d.auth.Token(ctx, token)
	if err != nil || p.Project.ID != d.site.project.ID || time.Until(t.ExpiresAt) < demoTokenLeft {
		if token, _, _, err = d.auth.Issue(ctx, admin, d.site.project.ID); err != nil {
			return "", err
		}
	}
	access, secret := old["PLIMSOLL_ACCESS_KEY"], old["PLIMSOLL_SECRET_KEY"]
	if _, err := d.inventory.AccessKey(ctx, access); err != nil || secret == "" {
		if access, secret, err = d.identity.CreateKey(ctx, admin.ID, "demo"); err != nil {
			return "", err
		}
	}
	text := fmt.Sprintf("PLIMSOLL_ENDPOINT=%s\nPLIMSOLL_PROJECT_ID=%s\nPLIMSOLL_TOKEN=%s\nPLIMSOLL_ACCESS_KEY=%s\nPLIMSOLL_SECRET_KEY=%s\n",
		d.url, d.site.project.ID, token, access, secret)
	return token, errors.Join(writePrivate(own, text), writePrivate(copied, text))
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
