package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
)

// Registry is an in-process OCI registry on the loopback interface with the sample images.
type Registry struct {
	listener net.Listener
	server   *http.Server
}

// StartRegistry starts a registry that stores its blobs in dir, and pushes the sample images to it. It
// uses the port of the previous run, if that is free, so that the demo can run again with the same
// inventory. The caller must call Close.
func StartRegistry(ctx context.Context, dir string) (*Registry, error) {
	blobs := filepath.Join(dir, "blobs")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return nil, err
	}
	listener, err := listenOnSamePort(ctx, filepath.Join(dir, "port"))
	if err != nil {
		return nil, err
	}
	handler := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)),
		ggcr.WithBlobHandler(ggcr.NewDiskBlobHandler(blobs)), ggcr.WithReferrersSupport(true))
	r := &Registry{listener: listener, server: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}}
	go r.server.Serve(listener) //nolint:errcheck // it ends when Close is called
	if err := r.pushSamples(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("fill the demo registry: %w", err), r.Close())
	}
	return r, nil
}

// listenOnSamePort listens on the port in file if that is free, else on a free port, which it writes
// to file.
func listenOnSamePort(ctx context.Context, file string) (net.Listener, error) {
	var lc net.ListenConfig
	if b, err := os.ReadFile(file); err == nil {
		if l, err := lc.Listen(ctx, "tcp", "127.0.0.1:"+strings.TrimSpace(string(b))); err == nil {
			return l, nil
		}
	}
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Unavailable, "listen for the demo registry: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, err
	}
	return l, os.WriteFile(file, []byte(port+"\n"), 0o600)
}

// Host returns the registry's address as host:port.
func (r *Registry) Host() string { return r.listener.Addr().String() }

// URL returns the registry's http address.
func (r *Registry) URL() string { return "http://" + r.Host() }

// Close stops the registry.
func (r *Registry) Close() error { return r.server.Close() }

func (r *Registry) pushSamples(ctx context.Context) error {
	for _, s := range sampleImages {
		ref, err := name.ParseReference(r.Host()+"/"+s.repository+":"+s.tag, name.Insecure)
		if err != nil {
			return err
		}
		if len(s.platforms) > 1 {
			index, err := s.index()
			if err != nil {
				return err
			}
			if err := remote.WriteIndex(ref, index, remote.WithContext(ctx)); err != nil {
				return err
			}
			continue
		}
		system := "linux"
		if len(s.platforms) == 1 {
			system = s.platforms[0]
		}
		img, err := s.image(system, "amd64")
		if err != nil {
			return err
		}
		if err := remote.Write(ref, img, remote.WithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}
