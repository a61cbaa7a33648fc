// Command compose builds the images for bench/scan: a Debian root with Python, Node.js, a Java runtime
// and npm packages in five gzip layers, over 1 GB unpacked; and its two lower layers as one layer. It
// needs root, debootstrap and npm, and takes minutes.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// layerStep changes the root file system; the changes become a layer.
type layerStep struct {
	name string
	run  func(root string) error
}

func main() {
	dir := flag.String("dir", "bench-images", "folder for layers.tar (five layers) and single.tar (one)")
	suite := flag.String("suite", "bookworm", "Debian suite")
	flag.Parse()
	if err := composeImages(*dir, *suite); err != nil {
		fmt.Fprintln(os.Stderr, "compose:", err)
		os.Exit(1)
	}
}

func composeImages(dir, suite string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, "root-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work) //nolint:errcheck // a temporary folder
	root, err := filepath.Abs(filepath.Join(work, "root"))
	if err != nil {
		return err
	}
	steps := []layerStep{
		{"debian", func(root string) error { return runCommand("debootstrap", "--variant=minbase", suite, root) }},
		{"python", installPackages("python3", "python3-pip", "python3-numpy", "python3-cryptography", "python3-requests", "git", "curl")},
		{"node", installPackages("nodejs", "npm", "build-essential")},
		{"java", installPackages("default-jre-headless")},
		{"npm", installNPM("typescript", "webpack", "next@14", "aws-sdk@2", "@angular/cli@17", "eslint@8", "date-fns", "lodash", "react-icons@4")},
	}
	var layers []string
	seen := map[string]string{}
	for i, s := range steps {
		fmt.Fprintf(os.Stderr, "%d/%d %s\n", i+1, len(steps), s.name)
		if err := s.run(root); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		layer := filepath.Join(work, s.name+".tar")
		if err := packChanges(root, layer, seen); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		layers = append(layers, layer)
		if s.name == "python" {
			single := filepath.Join(work, "single.tar")
			if err := packFiles(root, single, nil); err != nil {
				return err
			}
			if err := writeImage(filepath.Join(dir, "single.tar"), single); err != nil {
				return err
			}
		}
	}
	return writeImage(filepath.Join(dir, "layers.tar"), layers...)
}

func installPackages(names ...string) func(string) error {
	return func(root string) error {
		install := "export DEBIAN_FRONTEND=noninteractive; apt-get install -y -qq --no-install-recommends " + strings.Join(names, " ") +
			" >/dev/null && rm -rf /var/cache/apt/archives/*.deb"
		// The Java package reads /proc during its installation.
		if err := runCommand("mount", "-t", "proc", "proc", filepath.Join(root, "proc")); err != nil {
			return err
		}
		err := runCommand("chroot", root, "sh", "-c", install)
		return errors.Join(err, runCommand("umount", filepath.Join(root, "proc")))
	}
}

func installNPM(names ...string) func(string) error {
	return func(root string) error {
		app := filepath.Join(root, "srv/app")
		if err := os.MkdirAll(app, 0o755); err != nil {
			return err
		}
		return runCommand("npm", append([]string{"install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", app}, names...)...)
	}
}

func runCommand(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// packChanges packs the files that are new or changed since the last call, by inode and change time.
// seen is its memory between calls.
func packChanges(root, out string, seen map[string]string) error {
	list := exec.Command("find", ".", "-mindepth", "1", "-path", "./proc", "-prune", "-o", "-path", "./sys", "-prune", "-o", "-printf", `%p\t%C@ %i\0`)
	list.Dir = root
	found, err := list.Output()
	if err != nil {
		return err
	}
	var fresh bytes.Buffer
	for line := range bytes.SplitSeq(bytes.TrimSuffix(found, []byte{0}), []byte{0}) {
		path, state, _ := strings.Cut(string(line), "\t")
		if seen[path] != state {
			seen[path] = state
			fresh.WriteString(path + "\x00")
		}
	}
	return packFiles(root, out, &fresh)
}

// packFiles writes a tar of the listed paths, which end with a zero byte; nil = all.
func packFiles(root, out string, list *bytes.Buffer) error {
	args := []string{"--create", "--file", out, "--directory", root, "--numeric-owner"}
	if list == nil {
		return runCommand("tar", append(args, "--exclude=./proc/*", "--exclude=./sys/*", ".")...)
	}
	cmd := exec.Command("tar", append(args, "--no-recursion", "--null", "--files-from=-")...)
	cmd.Stdin, cmd.Stderr = list, os.Stderr
	return cmd.Run()
}

// writeImage writes an archive as docker save does, with gzip layers at docker's compression level.
func writeImage(out string, tars ...string) error {
	var layers []v1.Layer
	for _, path := range tars {
		l, err := tarball.LayerFromFile(path, tarball.WithCompressionLevel(6), tarball.WithCompressedCaching)
		if err != nil {
			return err
		}
		layers = append(layers, l)
	}
	img, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		return err
	}
	tag, err := name.NewTag("bench.example/" + strings.TrimSuffix(filepath.Base(out), ".tar") + ":1")
	if err != nil {
		return err
	}
	return tarball.WriteToFile(out, tag, img)
}
