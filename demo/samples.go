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

// buildStep is one build step: its layer and the command in the history.
type buildStep struct {
	command string
	files   []layerFile
}

// sampleImage is one image of the demo.
type sampleImage struct {
	repository, tag string
	about           string
	user            string
	platforms       []string // more than one makes an index with an attestation
	steps           []buildStep
	broken          bool // the config claims a diff ID that the blob does not have
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

// webShell is inert; its SHA-256 stands in the embedded malware list.
const webShell = "<?php /* plimsoll demo sample, inert */ if (false) { system($_GET[\"cmd\"]); } ?>\n"

// eicar is the EICAR anti-malware test file, put together so that this source is not taken for it.
var eicar = `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`

func samples() []sampleImage {
	app := buildStep{"COPY app /srv/app", []layerFile{{path: "srv/app/main", body: "\x7fELF sample of an application", mode: 0o755}}}
	statusd := []layerFile{
		{path: "var/lib/dpkg/status.d/base-files", body: dpkgStatus(bookwormPackages[0])},
		{path: "var/lib/dpkg/status.d/libssl3", body: dpkgStatus(bookwormPackages[4])},
	}
	return []sampleImage{
		{repository: "base/alpine", tag: "3.20", about: "Alpine base, unpatched openssl", steps: []buildStep{{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)}}},
		{repository: "base/debian", tag: "12", about: "Debian base, unpatched", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)}}},
		{repository: "base/static", tag: "1", about: "clean: no packages, not root", user: "65532", steps: []buildStep{app}},
		{repository: "shop/web", tag: "1.4.0", about: "application on the old Debian base", user: "1000", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)}, app}},
		{repository: "shop/web", tag: "1.5.0", about: "the same on the patched base", user: "1000", steps: []buildStep{{"ADD rootfs.tar.xz /", debian12Files(bookwormFixedPackages...)}, app}},
		{repository: "shop/api", tag: "2.1", about: "Ubuntu base", user: "1000", steps: []buildStep{{"ADD ubuntu-jammy.tar.gz /", ubuntuFiles("22.04", jammyPackages...)}, app}},
		{repository: "shop/worker", tag: "7", about: "distroless: packages in status.d", user: "65532", steps: []buildStep{
			{"COPY os-release", osReleaseFiles("debian", "12", "Distroless")}, {"COPY packages", statusd}, app}},
		{repository: "shop/frontend", tag: "stable", about: "an index of two platforms with an attestation", user: "1000",
			platforms: []string{"amd64", "arm64"}, steps: []buildStep{{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)}, app}},
		{repository: "legacy/php-site", tag: "5.6", about: "web shell in an upload folder", steps: []buildStep{
			{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)},
			{"COPY site /var/www/html", []layerFile{{path: "var/www/html/uploads/x.php", body: webShell}, {path: "var/www/html/index.php", body: "<?php echo 'hello';\n"}}}}},
		{repository: "legacy/ftp", tag: "old", about: "empty password, second root, loose permissions", steps: []buildStep{
			{"ADD rootfs.tar.xz /", debian12Files(bookwormPackages...)},
			{"RUN useradd …", []layerFile{
				{path: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\nftp:x:100:100::/srv/ftp:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"},
				{path: "etc/shadow", body: "root:*:19000:0:99999:7:::\nftp::19000:0:99999:7:::\ntoor:*:19000:0:99999:7:::\n", mode: 0o640},
				{path: "srv/ftp/motd", body: "welcome\n", mode: 0o666},
				{path: "usr/local/bin/run-as", body: "\x7fELF sample of a wrapper", mode: 0o4755},
			}}}},
		{repository: "ops/toolbox", tag: "latest", about: "the EICAR test file, deleted again by a later layer", steps: []buildStep{
			{"ADD alpine-minirootfs.tar.gz /", alpineFiles("3.20.1", alpine320Packages...)},
			{"COPY samples /opt/samples", []layerFile{{path: "opt/samples/eicar.com", body: eicar}, {path: "opt/samples/second.com", body: eicar}}},
			{"RUN rm /opt/samples/second.com", []layerFile{{path: "opt/samples/.wh.second.com"}}}}},
		{repository: "ops/broken", tag: "1", about: "the config claims a layer that the blob is not", steps: []buildStep{app}, broken: true},
		{repository: "ops/windows", tag: "ltsc", about: "not Linux: listed, not scanned", platforms: []string{"windows"}, steps: []buildStep{app}},
	}
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

// index makes the platforms of a sample and an attestation about the first.
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
