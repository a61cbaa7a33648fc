package demo

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// buildStep is a build step: the files of its layer and the command in the history.
type buildStep struct {
	command string
	files   []layerFile
}

// sampleImage describes an image of the demo.
type sampleImage struct {
	repository, tag string
	user            string
	platforms       []string // several = architectures of an index with an attestation; one = the operating system
	steps           []buildStep
	broken          bool // the config contains a diff ID that is not the layer's
}

var (
	bookwormPackages = []installedPackage{
		{"base-files", "12.4+deb12u5", ""}, {"bash", "5.2.15-2+b2", "bash (5.2.15-2)"}, {"libc6", "2.36-9+deb12u4", "glibc"},
		{"libc-bin", "2.36-9+deb12u4", "glibc"}, {"libssl3", "3.0.11-1~deb12u2", "openssl"}, {"zlib1g", "1:1.2.13.dfsg-1", "zlib"},
	}
	bookwormFixedPackages = []installedPackage{
		{"base-files", "12.4+deb12u9", ""}, {"bash", "5.2.15-2+b7", "bash (5.2.15-2)"}, {"libc6", "2.36-9+deb12u9", "glibc"},
		{"libc-bin", "2.36-9+deb12u9", "glibc"}, {"libssl3", "3.0.15-1~deb12u1", "openssl"}, {"zlib1g", "1:1.2.13.dfsg-1", "zlib"},
	}
	jammyPackages = []installedPackage{
		{"base-files", "12ubuntu4.4", ""}, {"libc6", "2.35-0ubuntu3.4", "glibc"}, {"libssl3", "3.0.2-0ubuntu1.10", "openssl"},
		{"libsystemd0", "249.11-0ubuntu3.9", "systemd"}, {"perl-base", "5.34.0-3ubuntu1.2", "perl"},
	}
	alpine320Packages = []installedPackage{
		{"alpine-baselayout", "3.6.5-r0", ""}, {"busybox", "1.36.1-r28", ""}, {"libcrypto3", "3.3.1-r0", "openssl"},
		{"libssl3", "3.3.1-r0", "openssl"}, {"musl", "1.2.5-r0", ""}, {"zlib", "1.3.1-r1", ""},
	}
)

// webShell is inert; the embedded malware list contains its SHA-256.
const webShell = "<?php /* plimsoll demo sample, inert */ if (false) { system($_GET[\"cmd\"]); } ?>\n"

// eicarTestFile is the EICAR anti-malware test file, in two parts so that scanners do not report this source.
var eicarTestFile = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

var (
	appStep         = buildStep{"COPY app /srv/app", []layerFile{{path: "srv/app/main", body: "\x7fELF sample of an application", mode: 0o755}}}
	distrolessFiles = []layerFile{
		{path: "var/lib/dpkg/status.d/base-files", body: dpkgStatus(bookwormPackages[0])},
		{path: "var/lib/dpkg/status.d/libssl3", body: dpkgStatus(bookwormPackages[4])},
	}
)

// sampleImages are the images of the demo registry.
var sampleImages = []sampleImage{
	// Alpine base, unpatched openssl.
	{repository: "base/alpine", tag: "3.20", steps: []buildStep{{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)}}},
	// Debian base, unpatched.
	{repository: "base/debian", tag: "12", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)}}},
	// Clean: no packages, not root.
	{repository: "base/static", tag: "1", user: "65532", steps: []buildStep{appStep}},
	// Application on the old Debian base.
	{repository: "shop/web", tag: "1.4.0", user: "1000", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)}, appStep}},
	// The same application on the patched base.
	{repository: "shop/web", tag: "1.5.0", user: "1000", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormFixedPackages...)}, appStep}},
	// Ubuntu base.
	{repository: "shop/api", tag: "2.1", user: "1000", steps: []buildStep{{"ADD ubuntu-jammy.tar.gz /", ubuntuFiles("22.04", jammyPackages...)}, appStep}},
	// Distroless: packages in status.d.
	{repository: "shop/worker", tag: "7", user: "65532", steps: []buildStep{
		{"COPY os-release", osReleaseFiles("debian", "12", "Distroless")}, {"COPY packages", distrolessFiles}, appStep}},
	// An index of two platforms with an attestation.
	{repository: "shop/frontend", tag: "stable", user: "1000",
		platforms: []string{"amd64", "arm64"}, steps: []buildStep{{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)}, appStep}},
	// Web shell in an upload folder.
	{repository: "legacy/php-site", tag: "5.6", steps: []buildStep{
		{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)},
		{"COPY site /var/www/html", []layerFile{{path: "var/www/html/uploads/x.php", body: webShell}, {path: "var/www/html/index.php", body: "<?php echo 'hello';\n"}}}}},
	// Empty password, second root, loose permissions.
	{repository: "legacy/ftp", tag: "old", steps: []buildStep{
		{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)},
		{"RUN useradd …", []layerFile{
			{path: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\nftp:x:100:100::/srv/ftp:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"},
			{path: "etc/shadow", body: "root:*:19000:0:99999:7:::\nftp::19000:0:99999:7:::\ntoor:*:19000:0:99999:7:::\n", mode: 0o640},
			{path: "srv/ftp/motd", body: "welcome\n", mode: 0o666},
			{path: "usr/local/bin/run-as", body: "\x7fELF sample of a wrapper", mode: 0o4755},
		}}}},
	// The EICAR test file, deleted again by a later layer.
	{repository: "ops/toolbox", tag: "latest", steps: []buildStep{
		{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)},
		{"COPY samples /opt/samples", []layerFile{{path: "opt/samples/eicar.com", body: eicarTestFile}, {path: "opt/samples/second.com", body: eicarTestFile}}},
		{"RUN rm /opt/samples/second.com", []layerFile{{path: "opt/samples/.wh.second.com"}}}}},
	// A config with a diff ID that is not the layer's.
	{repository: "ops/broken", tag: "1", steps: []buildStep{appStep}, broken: true},
	// Not Linux: listed, not scanned.
	{repository: "ops/windows", tag: "ltsc", platforms: []string{"windows"}, steps: []buildStep{appStep}},
}

func (s sampleImage) image(os, arch string) (v1.Image, error) {
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	for _, st := range s.steps {
		layer, err := newLayer(st.files...)
		if err != nil {
			return nil, err
		}
		img, err = mutate.Append(img, mutate.Addendum{Layer: layer, MediaType: types.OCILayer,
			History: v1.History{CreatedBy: st.command, Created: v1.Time{Time: buildTime}}})
		if err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = os, arch, v1.Time{Time: buildTime.AddDate(0, 0, len(s.repository)+len(s.tag))}
	config.Config.User = s.user
	if s.broken {
		config.RootFS.DiffIDs[0] = v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}
	}
	return mutate.ConfigFile(img, config)
}

// index returns an index of the sample's platforms, with an attestation about the first.
func (s sampleImage) index() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var subject v1.Hash
	for i, arch := range s.platforms {
		img, err := s.image("linux", arch)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if subject, err = img.Digest(); err != nil {
				return nil, err
			}
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	attestation, err := newAttestation(subject)
	if err != nil {
		return nil, err
	}
	return mutate.AppendManifests(index, mutate.IndexAddendum{Add: attestation, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"},
		Annotations: map[string]string{
			"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject.String(),
		}}}), nil
}

func newAttestation(subject v1.Hash) (v1.Image, error) {
	statement := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":%q}}]}`, subject.Hex)
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	return mutate.AppendLayers(img, static.NewLayer([]byte(statement), "application/vnd.in-toto+json"))
}
