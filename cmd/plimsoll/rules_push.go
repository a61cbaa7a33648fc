package main

import (
	"context"
	"errors"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/advisory/bundle"
	"plimsoll/analyze/all"
)

// Media types of an artifact of rules and of a file in it. Registries that do not know artifact types (OCI image
// specification 1.1) tell artifacts by the type of their config.
const (
	rulesConfigType = types.MediaType("application/vnd.plimsoll.rules.config.v1+json")
	rulesFileType   = types.MediaType("application/vnd.plimsoll.rules.file.v1")
)

func (a *app) rulesPushCommand() *cobra.Command {
	var o registryAccess
	cmd := &cobra.Command{
		Use:   "push REFERENCE DIR",
		Short: "Store a folder of rules in a registry",
		Long: `Push makes an OCI artifact of a folder, a layer a file, and tells its digest, by which
` + "`plimsoll rules update`" + ` takes it elsewhere. The same files make the same digest. The set is
loaded in a confined process first; one that cannot be read, or of which nothing loads, is
not pushed.`,
		Example: `  plimsoll rules push registry.example.org/security/rules:latest ./rules`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.pushRules(cmd.Context(), args[0], args[1], o)
		},
	}
	o.flags(cmd)
	return cmd
}

func (a *app) pushRules(ctx context.Context, reference, folder string, o registryAccess) error {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return plimsoll.Errorf(plimsoll.Invalid, "%.200q is no folder", folder).WithHint("the reference comes first: plimsoll rules push REFERENCE DIR")
	}
	files, err := readRules(folder)
	if err != nil {
		return err
	}
	loaded, refused, err := a.usable(ctx, folder, files)
	if err != nil {
		return err
	}
	to, err := o.open(a, reference)
	if err != nil {
		return err
	}
	pinned, err := pushArtifact(ctx, to, reference, files)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{"reference": pinned, "files": len(files), "loaded": loaded, "refused": refused})
	}
	a.note("pushed %d files, %d rules; %d are refused", len(files), loaded, refused)
	a.note("take it with: plimsoll rules update %s", pinned)
	return nil
}

// pushArtifact stores files under a reference, and returns the one by digest.
func pushArtifact(ctx context.Context, to bundle.Registry, reference string, files []all.RuleFile) (string, error) {
	options := []name.Option{name.StrictValidation}
	if to.PlainHTTP {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(reference, options...)
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Invalid, "reference: %w", err).WithHint("write it in full: registry.example.org/security/rules:latest")
	}
	image, err := rulesArtifact(files)
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Internal, "make an artifact: %w", err)
	}
	auth := authn.Anonymous
	if to.Credential != (plimsoll.Credential{}) {
		auth = &authn.Basic{Username: to.Credential.Username, Password: to.Credential.Secret}
	}
	err = remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(to.Transport), remote.WithAuth(auth))
	if own, ok := errors.AsType[*plimsoll.Error](err); ok {
		return "", own // what the policy for connections refused
	}
	if err != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "push: %w", err)
	}
	digest, err := image.Digest()
	return ref.Context().Digest(digest.String()).String(), err
}

// rulesArtifact has a layer for each file, with its name as the title. Nothing in it depends on when or where it is made.
func rulesArtifact(files []all.RuleFile) (v1.Image, error) {
	layers := make([]mutate.Addendum, len(files))
	for i, f := range files {
		layers[i] = mutate.Addendum{Layer: static.NewLayer(f.Data, rulesFileType), Annotations: map[string]string{titleAnnotation: f.Name}}
	}
	return mutate.Append(mutate.MediaType(mutate.ConfigMediaType(empty.Image, rulesConfigType), types.OCIManifestSchema1), layers...)
}
