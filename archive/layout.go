package archive

import (
	"context"
	"encoding/json"
	"slices"

	"plimsoll"
	"plimsoll/manifest"
)

const (
	mediaManifest       = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex          = "application/vnd.oci.image.index.v1+json"
	mediaDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

	// Annotations with the name of an image, preferred one first: containerd's, and that of the OCI Image Specification
	// ("Pre-Defined Annotation Keys"), which often contains only a tag.
	annotationName = "io.containerd.image.name"
	annotationRef  = "org.opencontainers.image.ref.name"
)

// maxNamedManifests bounds how many manifests are read to find the names of images.
const maxNamedManifests = 1000

// layoutIndex is index.json of an image layout.
type layoutIndex struct {
	Manifests []struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Annotations map[string]string `json:"annotations"`
	} `json:"manifests"`
}

// readLayout lists the images in index.json. Archives of a newer `docker save` also contain manifest.json, which is used
// only for names of images that have none in index.json.
func (a *Archive) readLayout() error {
	var index layoutIndex
	if err := a.decodeJSON("index.json", &index); err != nil {
		return err
	}
	names, err := a.savedNames()
	if err != nil {
		return err
	}
	for i, entry := range index.Manifests {
		d, err := plimsoll.ParseDigest(entry.Digest)
		if err != nil {
			return plimsoll.Fail(plimsoll.FailureDownload, err)
		}
		if entry.MediaType != "" && !slices.Contains(manifest.MediaTypes(), entry.MediaType) {
			continue // not an image: there is nothing to scan
		}
		a.declared[d] = entry.MediaType
		var refs []string
		if ref := annotatedName(entry.Annotations); ref != "" {
			refs = []string{ref}
		} else if len(names) > 0 && i < maxNamedManifests {
			refs = names[a.configOf(d)]
		}
		if err := a.addImage(d, refs...); err != nil {
			return err
		}
	}
	return nil
}

func annotatedName(annotations map[string]string) string {
	if name := cleanRef(annotations[annotationName]); name != "" {
		return name
	}
	return cleanRef(annotations[annotationRef])
}

// savedNames returns the names in manifest.json by the path of the image's config.
func (a *Archive) savedNames() (map[string][]string, error) {
	var saved []savedImage
	if err := a.decodeJSON("manifest.json", &saved); err != nil {
		if isMissing(err) {
			return nil, nil
		}
		return nil, err
	}
	names := make(map[string][]string, len(saved))
	for _, image := range saved {
		names[image.Config] = image.RepoTags
	}
	return names, nil
}

// configOf returns the path of the config of the image with digest d, or "" if it is not known.
func (a *Archive) configOf(d plimsoll.Digest) string {
	_, raw, err := a.Manifest(context.Background(), d)
	if err != nil {
		return ""
	}
	var m struct {
		Config struct {
			Digest string `json:"digest"`
		} `json:"config"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return ""
	}
	config, err := plimsoll.ParseDigest(m.Config.Digest)
	if err != nil {
		return ""
	}
	return blobPath(config)
}
