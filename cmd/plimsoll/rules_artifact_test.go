package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"plimsoll/app/ruleset"
)

// scriptArtifact pushes the files of a folder to REGISTRY, as layers with titles or as one tar archive, and
// sets ARTIFACT to the reference with its digest.
func scriptArtifact(ts *testscript.TestScript, _ bool, args []string) {
	files := os.DirFS(ts.MkAbs(args[1]))
	var layers []mutate.Addendum
	var archive bytes.Buffer
	t := tar.NewWriter(&archive)
	ts.Check(fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(files, path)
		layers = append(layers, mutate.Addendum{
			Layer: static.NewLayer(body, "application/octet-stream"), Annotations: map[string]string{ruleset.TitleAnnotation: path},
		})
		head := &tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o644, Size: int64(len(body))}
		err = errors.Join(err, t.WriteHeader(head))
		_, writeErr := t.Write(body)
		return errors.Join(err, writeErr)
	}))
	ts.Check(t.Close())
	switch args[0] {
	case "titles":
	case "evil":
		layers[0].Annotations[ruleset.TitleAnnotation] = "../../outside.yar"
	case "bare":
		layers[0].Annotations = nil
	default:
		layers = []mutate.Addendum{{Layer: static.NewLayer(archive.Bytes(), types.OCIUncompressedLayer)}}
	}
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	ts.Check(err)
	ref, err := name.ParseReference(ts.Getenv("REGISTRY") + "/security/rules:" + filepath.Base(args[1]))
	ts.Check(err)
	ts.Check(remote.Write(ref, img))
	digest, err := img.Digest()
	ts.Check(err)
	ts.Setenv("ARTIFACT", ref.Context().Digest(digest.String()).String())
}
