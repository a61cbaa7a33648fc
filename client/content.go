package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"plimsoll"
)

// Image finds one image. image is a record id, or the hex digits of a manifest digest; of several images with the
// digest the newest is returned.
func (c *Client) Image(ctx context.Context, image string) (img plimsoll.Image, err error) {
	err = c.get(ctx, pathImage(image), nil, &img)
	return img, err
}

// ScanImages asks for scans of 1 to 10,000 images, and returns the task.
func (c *Client) ScanImages(ctx context.Context, images []plimsoll.ImageRef) (task plimsoll.Task, err error) {
	refs := make([]object, len(images))
	for i, ref := range images {
		refs[i] = object{"namespace": ref.Namespace, "name": ref.Name, "tag": ref.Tag}
		if ref.InstanceID != "" {
			refs[i]["instance_id"] = ref.InstanceID
		}
	}
	_, err = c.call(ctx, http.MethodPost, pathScan, object{"images": refs}, &task)
	return task, err
}

// ImageFiles returns the numbers and sizes of files in an image. image is as in Image.
func (c *Client) ImageFiles(ctx context.Context, image string) (facts plimsoll.FileFacts, err error) {
	err = c.get(ctx, pathOfImage(image, "files"), nil, &facts)
	return facts, err
}

// BaseImages lists the images of the inventory that an image is built on. image is as in Image.
func (c *Client) BaseImages(ctx context.Context, image string) ([]plimsoll.BaseImage, error) {
	return listAll[plimsoll.BaseImage](ctx, c, pathOfImage(image, "base-images"), nil)
}

// ImagePackages lists the packages of an image with the packages of the system that own them: those that only a lock file
// names, or all others. image is as in Image.
func (c *Client) ImagePackages(ctx context.Context, image string, declared bool) ([]plimsoll.ListedPackage, error) {
	return listAll[plimsoll.ListedPackage](ctx, c, pathOfImage(image, "packages"), url.Values{"declared": {strconv.FormatBool(declared)}})
}

// ImageVulnerabilities lists the vulnerabilities of an image, worst first: those of packages that only a lock file names,
// or all others. image is as in Image.
func (c *Client) ImageVulnerabilities(ctx context.Context, image string, declared bool) ([]plimsoll.Placed, error) {
	return listAll[plimsoll.Placed](ctx, c, pathOfImage(image, "vulnerabilities"), url.Values{"declared": {strconv.FormatBool(declared)}})
}

// ImageSettings lists the results of baseline checks of an image. image is as in Image.
func (c *Client) ImageSettings(ctx context.Context, image string) ([]plimsoll.Setting, error) {
	return listAll[plimsoll.Setting](ctx, c, pathOfImage(image, "settings"), nil)
}

// The profiles that leave secrets out of ImageSecrets, apart from what a project leaves out.
const (
	ProfileDefault = "default" // leaves out those of plimsoll.DefaultSecretProfile
	ProfileHSS     = "hss"     // leaves out what the vendor's scan does not look at
	ProfileAll     = "all"     // leaves nothing out
)

// ImageSecrets lists the secrets of an image, worst first, each with a masked excerpt. image is as in Image.
func (c *Client) ImageSecrets(ctx context.Context, image, profile string) ([]plimsoll.FoundSecret, error) {
	return listAll[plimsoll.FoundSecret](ctx, c, pathOfImage(image, "secrets"), url.Values{"profile": {profile}})
}

// SoftwarePolicy is what the project forbids to install.
func (c *Client) SoftwarePolicy(ctx context.Context) ([]plimsoll.SoftwareRule, error) {
	var page plimsoll.Page[plimsoll.SoftwareRule]
	err := c.get(ctx, pathSoftwarePolicy, nil, &page)
	return page.Items, err
}

// SetSoftwarePolicy replaces the policy, and returns it; no rules forbid nothing, nil restores the default.
func (c *Client) SetSoftwarePolicy(ctx context.Context, rules []plimsoll.SoftwareRule) ([]plimsoll.SoftwareRule, error) {
	var page plimsoll.Page[plimsoll.SoftwareRule]
	_, err := c.call(ctx, http.MethodPut, pathSoftwarePolicy, object{"rules": rules}, &page)
	return page.Items, err
}

// Version returns the version of the server.
func (c *Client) Version(ctx context.Context) (string, error) {
	var answer struct {
		Version string `json:"version"`
	}
	err := c.get(ctx, pathVersion, nil, &answer)
	return answer.Version, err
}
