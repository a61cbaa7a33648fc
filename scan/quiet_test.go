package scan_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/pem"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"plimsoll"
)

// exampleKey makes something that looks like a private key, another one for each seed.
func exampleKey(seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 1))
	raw := make([]byte, 600)
	for i := range raw {
		raw[i] = byte(random.Uint32())
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: raw}))
}

// debianPackage is what dpkg leaves of a package: its files, and their sums.
func debianPackage(name string, files ...item) []item {
	var text strings.Builder
	for _, f := range files {
		sum := md5.Sum([]byte(f.body))
		text.WriteString(hex.EncodeToString(sum[:]) + "  " + f.Name + "\n")
	}
	return append(files, regular("var/lib/dpkg/info/"+name+".md5sums", text.String()))
}

func jarOf(t *testing.T, name, body string) string {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(body))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// shownSecrets lists what the default profile shows, and the rest with whose it is.
func (y *yard) shownSecrets(t *testing.T, tag string) (shown, rest []string) {
	t.Helper()
	list, err := y.store.ImageSecrets(t.Context(), y.image(t, tag))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.Size == 0 {
			t.Errorf("the size of %s is not known", s.Path)
		}
		if plimsoll.DefaultSecretProfile().Excludes(s.Secret) {
			rest = append(rest, s.Path+" "+string(s.Owned))
		} else {
			shown = append(shown, s.Path+" "+string(s.Owned))
		}
	}
	slices.Sort(shown)
	slices.Sort(rest)
	return slices.Compact(shown), slices.Compact(rest)
}

// ordinary is Debian with Python and Node, and an application's packages.
func ordinary(t *testing.T) [][]item {
	debian := slices.Concat(
		[]item{regular("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"), regular("var/lib/dpkg/status", stanza("bash"))},
		debianPackage("libdemo-tls:amd64", regular("lib/x86_64-linux-gnu/libdemo.so.3", "\x7fELF\x02\x01\x01\x00\x00"+exampleKey(1)+"\x00")),
		debianPackage("python3-demo", regular("usr/lib/python3/dist-packages/demo/selftest.py", "KEY = '''"+exampleKey(2)+"'''\n")),
		debianPackage("node-demo", regular("usr/share/nodejs/demo/index.js", "exports.key = `"+exampleKey(3)+"`;\n")),
		debianPackage("libdemo-java", regular("usr/share/java/demo.jar", jarOf(t, "keys/test.pem", exampleKey(4)))),
		debianPackage("demo-doc", regular("usr/share/doc/demo/examples/server.key", exampleKey(5))),
	)
	// dpkg's list has the path from before /lib moved below /usr, or the other way round.
	debian[2].Name = "usr/" + debian[2].Name
	modules, site := "srv/app/node_modules/", "usr/local/lib/python3.11/site-packages/"
	return [][]item{debian, {
		regular(site+"demo/tests/ca.key", exampleKey(6)),
		regular(site+"demo/README.rst", exampleKey(7)),
	}, {
		regular(modules+"proxy/test/snakeoil.key", exampleKey(8)),
		regular(modules+"cloud-sdk/apis/keys.examples.json", `{"key": "`+plantedToken+`"}`),
		regular(modules+"cloud-sdk/config.sample", "key: "+plantedToken+"\n"),
	}}
}

func TestAnOrdinaryImageIsQuiet(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, nil, ordinary(t)...)
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	shown, rest := y.shownSecrets(t, "1")
	if len(shown) > 0 {
		t.Errorf("shown: %q", shown)
	}
	want := []string{
		"srv/app/node_modules/cloud-sdk/apis/keys.examples.json nobody",
		"srv/app/node_modules/cloud-sdk/config.sample nobody",
		"srv/app/node_modules/proxy/test/snakeoil.key nobody",
		"usr/lib/python3/dist-packages/demo/selftest.py package",
		"usr/lib/x86_64-linux-gnu/libdemo.so.3 package",
		"usr/local/lib/python3.11/site-packages/demo/README.rst nobody",
		"usr/local/lib/python3.11/site-packages/demo/tests/ca.key nobody",
		"usr/share/doc/demo/examples/server.key package",
		"usr/share/java/demo.jar!/keys/test.pem package",
		"usr/share/nodejs/demo/index.js package",
	}
	if !slices.Equal(rest, want) {
		t.Errorf("left out: %q", rest)
	}
}

// TestSecretsInPlacesOfPackages: a secret in a file that replaced a package's file is shown.
func TestSecretsInPlacesOfPackages(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	layers := ordinary(t)
	edited := debianPackage("app-demo", regular("usr/share/app/config.js", "exports.key = ''"), regular("etc/app/app.conf", exampleKey(21)))
	edited[0] = regular("usr/share/app/config.js", "exports.key = `"+exampleKey(22)+"`") // RUN install … && echo … >
	layers[0] = append(layers[0], edited...)
	layers[0] = append(layers[0], regular("etc/ssl/private/host.key", exampleKey(23))) // made when a package was set up
	layers = append(layers, []item{
		regular("usr/share/nodejs/demo/index.js", "exports.key = `"+exampleKey(24)+"`;\n"), // COPY over it
		regular("srv/app/.env", "GITHUB_TOKEN="+plantedToken+"\n"),
		regular("usr/lib/python3/dist-packages/demo/.wh.selftest.py", ""),
	})
	a := src.image(t, nil, layers...)
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	shown, rest := y.shownSecrets(t, "1")
	if want := []string{
		"etc/app/app.conf nobody", "etc/ssl/private/host.key nobody", "srv/app/.env nobody",
		"usr/share/app/config.js nobody", "usr/share/nodejs/demo/index.js nobody",
	}; !slices.Equal(shown, want) {
		t.Errorf("shown: %q", shown)
	}
	// What lay below, and what was removed, is the package's all the same.
	for _, path := range []string{"usr/share/nodejs/demo/index.js package", "usr/lib/python3/dist-packages/demo/selftest.py package"} {
		if !slices.Contains(rest, path) {
			t.Errorf("left out: %q", rest)
		}
	}
}

// TestOwnersThatAreNotKnown: a broken database leaves nothing out, and is no failure to look.
func TestOwnersThatAreNotKnown(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	a := src.image(t, nil, []item{regular("usr/lib/a.py", exampleKey(31)), regular("var/lib/dpkg/info/a.md5sums", "no sums\n")})
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	if shown, rest := y.shownSecrets(t, "1"); !slices.Equal(shown, []string{"usr/lib/a.py "}) || len(rest) > 0 {
		t.Errorf("shown %q, left out %q", shown, rest)
	}
}

// TestNamesOfOneFile: a package lists each name of a file, and somebody may add another.
func TestNamesOfOneFile(t *testing.T) {
	src := newMemory()
	y := newYard(t, src)
	link := func(name string) item {
		return item{header{Name: name, Typeflag: tar.TypeLink, Linkname: "usr/bin/tool", Mode: 0o755}, ""}
	}
	tool := regular("usr/bin/tool", exampleKey(41))
	second := tool
	second.Name = "usr/bin/tool2"
	files := debianPackage("tool", tool, second)
	a := src.image(t, nil, []item{tool, link("usr/bin/tool2"), link("srv/tool"), files[len(files)-1]})
	y.push(t, "1", a)
	if err := y.scan(t, a); err != nil {
		t.Fatal(err)
	}
	shown, rest := y.shownSecrets(t, "1")
	if !slices.Equal(shown, []string{"srv/tool nobody"}) || !slices.Equal(rest, []string{"usr/bin/tool package", "usr/bin/tool2 package"}) {
		t.Errorf("shown %q, left out %q", shown, rest)
	}
}
