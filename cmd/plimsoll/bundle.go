package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/advisory/bundle"
)

// trustOf reads the keys that bundles may be signed with.
func trustOf(paths []string, unsigned bool) (bundle.Trust, error) {
	trust := bundle.Trust{Unsigned: unsigned}
	for _, path := range paths {
		key, err := bundle.ReadPublicKey(path)
		if err != nil {
			return trust, err
		}
		trust.Keys = append(trust.Keys, key)
	}
	if unsigned && len(paths) > 0 {
		return trust, plimsoll.Errorf(plimsoll.Invalid, "--verify-key and --insecure-unsigned contradict each other")
	}
	return trust, nil
}

// hintTrust says what to do about a bundle that is not trusted.
func hintTrust(err error) error {
	if errors.Is(err, bundle.ErrUnsigned) {
		return plimsoll.Errorf(plimsoll.Invalid, "%w", err).WithHint("name the key of who made it with --verify-key, or accept anybody's with --insecure-unsigned")
	}
	return err
}

func (a *app) bundleKey() *cobra.Command {
	return &cobra.Command{
		Use:     "key FILE",
		Short:   "Make a key that bundles are signed with",
		Long:    `Key writes a private key to FILE and the public one to FILE.pub. Sites that import need the latter.`,
		Example: `  plimsoll advisories key bundle.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := bundle.NewKey(args[0])
			if err != nil {
				return err
			}
			a.note("made key %s: %s signs, %s.pub verifies", bundle.KeyID(public), args[0], args[0])
			return nil
		},
	}
}

func (a *app) bundleExport() *cobra.Command {
	var keyPath string
	var unsigned bool
	cmd := &cobra.Command{
		Use:   "export FILE",
		Short: "Write every feed into one signed bundle",
		Long: `Export writes the advisories of the data directory, with the age of each feed, into a new
file for sites without internet. It works on the data directory, so the server must be
stopped.`,
		Example: `  plimsoll advisories export advisories.bundle --sign-key bundle.key`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (keyPath == "") != unsigned {
				return plimsoll.Errorf(plimsoll.Invalid, "give either --sign-key or --insecure-unsigned")
			}
			if a.endpoint != "" {
				return plimsoll.Errorf(plimsoll.Invalid, "export works on a data directory, not on the server at --endpoint")
			}
			var key ed25519.PrivateKey
			if keyPath != "" {
				var err error
				if key, err = bundle.ReadPrivateKey(keyPath); err != nil {
					return err
				}
			}
			return a.export(cmd.Context(), args[0], key)
		},
	}
	cmd.Flags().StringVar(&keyPath, "sign-key", "", "private key to sign with, of `plimsoll advisories key`")
	cmd.Flags().BoolVar(&unsigned, "insecure-unsigned", false, "do not sign")
	return cmd
}

func (a *app) export(ctx context.Context, path string, key ed25519.PrivateKey) error {
	l, err := openLocal(ctx, a)
	if err != nil {
		return err
	}
	defer l.Close()                                                       //nolint:errcheck // the error of writing matters more
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // a bundle is there to be handed on
	if err != nil {
		return plimsoll.Errorf(plimsoll.Invalid, "export: %w", err)
	}
	m, err := bundle.Write(ctx, f, l.advisories, key, l.temp(), time.Now())
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if a.output == "json" {
		return a.printJSON(m)
	}
	for _, feed := range m.Feeds {
		a.note("%s: %d records, checked %s", printable(feed.Name), feed.Records, timeText(feed.CheckedAt))
	}
	a.note("wrote %s", path)
	return nil
}

// registryAccess are the flags of one registry that a bundle goes to or comes from.
type registryAccess struct {
	username      string
	passwordStdin bool
	plainHTTP     bool
}

func (o *registryAccess) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.username, "username", "", "registry user")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the registry secret from standard input")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak HTTP without TLS to the registry (default for loopback addresses)")
}

// open makes the registry of a reference. The operator typed its address, so it may be a
// private one.
func (o *registryAccess) open(a *app, reference string) (bundle.Registry, error) {
	named, err := plimsoll.ParseReference(reference)
	if err != nil {
		return bundle.Registry{}, err
	}
	scheme := "https"
	if o.plainHTTP || isLoopback(named.Registry) {
		scheme = "http"
	}
	secret, err := a.secret(o.passwordStdin)
	if err != nil {
		return bundle.Registry{}, err
	}
	transport, err := a.transport(withPort(named.Registry, scheme))
	return bundle.Registry{
		Transport: transport, Credential: plimsoll.Credential{Username: o.username, Secret: secret}, PlainHTTP: scheme == "http",
	}, err
}

func (a *app) bundlePush() *cobra.Command {
	var o registryAccess
	cmd := &cobra.Command{
		Use:     "push FILE REFERENCE",
		Short:   "Store a bundle in a registry",
		Example: `  plimsoll advisories push advisories.bundle registry.example.org/security/advisories:latest`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.open(a, args[1])
			if err != nil {
				return err
			}
			digest, err := r.Push(cmd.Context(), args[0], args[1])
			if err == nil {
				a.note("pushed %s as %s", args[0], digest)
			}
			return err
		},
	}
	o.flags(cmd)
	return cmd
}

func (a *app) bundlePull() *cobra.Command {
	var o registryAccess
	cmd := &cobra.Command{
		Use:     "pull REFERENCE FILE",
		Short:   "Fetch a bundle from a registry into a new file",
		Long:    `Pull writes a bundle to FILE. Who signed it is looked at when it is imported.`,
		Example: `  plimsoll advisories pull registry.example.org/security/advisories:latest advisories.bundle`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.open(a, args[0])
			if err != nil {
				return err
			}
			digest, err := r.Pull(cmd.Context(), args[0], args[1])
			if err == nil {
				a.note("pulled %s to %s", digest, args[1])
			}
			return err
		},
	}
	o.flags(cmd)
	return cmd
}
