package owned

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll"
)

func newSection(text string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
}

func sumsOfText(t *testing.T, content string) Sums {
	t.Helper()
	s, err := SumsOf(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// md5Line returns the line of a file in md5sums.
func md5Line(path, content string) string {
	sum := md5.Sum([]byte(content))
	return hex.EncodeToString(sum[:]) + "  " + path + "\n"
}

func sha1Of(content string) string {
	sum := sha1.Sum([]byte(content))
	return "Q1" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestOwnership(t *testing.T) {
	f := New()
	f.Read(t.Context(), "var/lib/dpkg/info/libtls30:amd64.md5sums", newSection(md5Line("lib/x86_64-linux-gnu/libtls.so.30", "tls")+md5Line("usr/share/a  b/c", "two spaces")+md5Line("etc/tls.conf", "conf")+md5Line("usr/lib/python3/x.py", "x = 1")))
	f.Read(t.Context(), "var/lib/dpkg/status.d/base.md5sums", newSection(md5Line("usr/bin/true", "true")))
	f.Read(t.Context(), "usr/lib/apk/db/installed", newSection("C:Q1nothing\nP:busybox\np:"+strings.Repeat("cmd:x ", maxLine)+"\nF:bin\nR:busybox\na:0:0:755\nZ:"+sha1Of("box")+
		"\nR:noted\nF:etc\nR:securetty\nZ:"+sha1Of("tty")+"\nF:usr/share\nF:usr/share/k\nR:x\nZ:"+sha1Of("x")+"\n\nP:empty\nF:\nR:rooted\nZ:"+sha1Of("rooted")+"\n"))
	for _, c := range []struct {
		path, content string
		want          plimsoll.Ownership
	}{
		{"lib/x86_64-linux-gnu/libtls.so.30", "tls", plimsoll.OwnedByPackage},
		{"usr/lib/x86_64-linux-gnu/libtls.so.30", "tls", plimsoll.OwnedByPackage},
		{"usr/lib/x86_64-linux-gnu/libtls.so.30", "another", plimsoll.OwnedByNone},
		{"usr/share/a  b/c", "two spaces", plimsoll.OwnedByPackage},
		{"etc/tls.conf", "conf", plimsoll.OwnedByNone},
		{"bin/true", "true", plimsoll.OwnedByPackage},
		{"usr/bin/true", "tls", plimsoll.OwnedByNone},
		{"usr/usr/bin/true", "true", plimsoll.OwnedByNone},
		{"usr/bin/busybox", "box", plimsoll.OwnedByPackage},
		{"usr/share/noted", "", plimsoll.OwnedByNone},
		{"etc/securetty", "tty", plimsoll.OwnedByNone},
		{"usr/share/k/x", "x", plimsoll.OwnedByPackage},
		{"rooted", "rooted", plimsoll.OwnedByPackage},
		{"usr/lib/python3/__pycache__/x.cpython-311.pyc", "bytecode", plimsoll.OwnedByPackage},
		{"usr/lib/python3/__pycache__/x.cpython-311.opt-1.pyc", "bytecode", plimsoll.OwnedByPackage},
		{"usr/lib/python3/__pycache__/y.cpython-311.pyc", "bytecode", plimsoll.OwnedByNone},
		{"usr/lib/python3/__pycache__/x.txt", "bytecode", plimsoll.OwnedByNone},
		{"usr/lib/python3/__pycache__/x/x.cpython-311.pyc", "bytecode", plimsoll.OwnedByNone},
		{"srv/app/.env", "tls", plimsoll.OwnedByNone},
	} {
		if got := f.OwnerOfFile(c.path, sumsOfText(t, c.content)); got != c.want {
			t.Errorf("%s with %q is of %q, not %q", c.path, c.content, got, c.want)
		}
	}
	if a, b := f.OwnerOfPath("lib/x86_64-linux-gnu/libtls.so.30"), f.OwnerOfPath("srv/a.zip"); a != plimsoll.OwnedByPackage || b != plimsoll.OwnedByNone {
		t.Errorf("archives are of %q and %q", a, b)
	}
	f.MarkIncomplete()
	if a, b := f.OwnerOfFile("usr/bin/true", sumsOfText(t, "true")), f.OwnerOfFile("srv/x", sumsOfText(t, "")); a != plimsoll.OwnedByPackage || b != plimsoll.OwnershipUnknown {
		t.Errorf("incomplete: %q and %q", a, b)
	}
}

// TestUnreadableDatabases: after a malformed database, the owner of a file that is not listed is unknown.
func TestUnreadableDatabases(t *testing.T) {
	dpkg, apk := "var/lib/dpkg/info/a.md5sums", "lib/apk/db/installed"
	good := md5Line("usr/bin/true", "true")
	for _, c := range []struct{ name, path, text string }{
		{"no digest", dpkg, good + "zz" + good}, {"short", dpkg, good + "abc\n"}, {"no path", dpkg, good + good[:34] + "\n"},
		{"digest of another algorithm", apk, "F:usr/bin\nR:true\nZ:" + sha1Of("true") + "\nR:false\nZ:Q2AAAA\n"},
		{"no base64", apk, "F:usr/bin\nR:true\nZ:" + sha1Of("true") + "\nR:false\nZ:Q1****\n"},
		{"long digest", apk, "F:usr/bin\nR:true\nZ:" + sha1Of("true") + "\nR:false\nZ:Q1" + strings.Repeat("A", 400) + "\n"},
		{"no database", "var/lib/rpm/Packages", "neither"},
	} {
		f := New()
		f.Read(t.Context(), dpkg, newSection(good))
		f.Read(t.Context(), c.path, newSection(c.text))
		if a, b := f.OwnerOfFile("usr/bin/true", sumsOfText(t, "true")), f.OwnerOfFile("usr/bin/false", sumsOfText(t, "")); a != plimsoll.OwnedByPackage || b != plimsoll.OwnershipUnknown {
			t.Errorf("%s: %q and %q", c.name, a, b)
		}
	}
	for name, read := range map[string]func(f *Files){
		"too many files": func(f *Files) {
			f.keys = make([]uint64, 2*maxFiles)
			f.Read(t.Context(), dpkg, newSection(good))
		},
		"too large": func(f *Files) {
			f.Read(t.Context(), dpkg, io.NewSectionReader(strings.NewReader(good), 0, MaxDatabase+1))
		},
		"too slow": func(f *Files) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			f.Read(ctx, dpkg, newSection(good))
		},
		"no database": func(f *Files) { f.Read(t.Context(), "srv/x", newSection(good)) },
	} {
		f := New()
		if read(f); f.OwnerOfFile("srv/y", sumsOfText(t, "")) != plimsoll.OwnershipUnknown {
			t.Errorf("%s: the owner of a file is known", name)
		}
	}
}

func TestWants(t *testing.T) {
	for path, want := range map[string]bool{
		"var/lib/dpkg/info/a.md5sums": true, "var/lib/dpkg/status.d/a.md5sums": true, "var/lib/dpkg/info/a.list": false, "var/lib/dpkg/info/a/b.md5sums": false,
		"var/lib/dpkg/a.md5sums": false, "srv/var/lib/dpkg/info/a.md5sums": false, "lib/apk/db/installed": true, "usr/lib/apk/db/installed": true,
		"var/lib/rpm/Packages": true, "usr/lib/sysimage/rpm/rpmdb.sqlite": true, "usr/share/rpm/Packages.db": true, "var/lib/rpm/Name": false, "rpmdb.sqlite": false,
	} {
		if Wants(path) != want {
			t.Errorf("%s is a database: %v", path, !want)
		}
	}
}

// rootsFolder returns the folder of real trees with their databases. Their absence fails in CI only.
func rootsFolder(t *testing.T) string {
	t.Helper()
	const dir = "../../../../shared/data/roots"
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no shared test material: %v", err)
	}
	return dir
}

// readTree reads the databases of a tree.
func readTree(t *testing.T, root string) *Files {
	t.Helper()
	f := New()
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !Wants(path) {
			return err
		}
		raw, err := os.ReadFile(filepath.Join(root, path))
		f.Read(t.Context(), path, io.NewSectionReader(bytes.NewReader(raw), 0, int64(len(raw))))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRealTrees checks files of trees in which nothing was changed. The counts are those of another
// program that reads SQLite and apk's text; Berkeley DB contains the same headers.
func TestRealTrees(t *testing.T) {
	base := rootsFolder(t)
	for name, files := range map[string]int{
		"almalinux-8.8-s390x": 2283, "almalinux-9.0-arm64": 2301, "almalinux-9.2-arm64": 2308,
		"alpine-3.8.5": 44, "alpine-3.10.3": 41, "alpine-3.18.9": 65, "alpine-3.20.3": 65,
	} {
		root := filepath.Join(base, name)
		f := readTree(t, root)
		if n := len(f.keys) / 2; n != files || f.incomplete {
			t.Errorf("%s: %d files, unknown %v", name, n, f.incomplete)
		}
		if strings.HasPrefix(name, "alpine") {
			compareDigests(t, root)
			continue
		}
		release, err := os.ReadFile(filepath.Join(root, "usr/lib/os-release"))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.OwnerOfFile("usr/lib/os-release", sumsOfText(t, string(release))); got != plimsoll.OwnedByPackage {
			t.Errorf("%s: os-release is of %q", name, got)
		}
		if got := f.OwnerOfFile("usr/lib/os-release", sumsOfText(t, string(release)+"#")); got != plimsoll.OwnedByNone {
			t.Errorf("%s: another os-release is of %q", name, got)
		}
	}
}

// compareDigests compares digests of apk's database with the files, which the trees have in /etc only.
func compareDigests(t *testing.T, root string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "lib/apk/db/installed"))
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	err = readAPK(t.Context(), "", newSection(string(raw)), func(x listedFile) error {
		path := string(x.dir) + string(x.base)
		if path != "etc/group" && path != "etc/passwd" {
			return nil
		}
		content, err := os.ReadFile(filepath.Join(root, path))
		if s := sha1.Sum(content); bytes.Equal(x.digest, s[:]) {
			same++
		}
		return err
	})
	if err != nil || same != 2 {
		t.Errorf("%s: digests of %d files of 2 are those of the database: %v", root, same, err)
	}
}

// debianVariable is the environment variable with the path of a Debian root made with debootstrap.
const debianVariable = "PLIMSOLL_DEBIAN_ROOT"

func TestDebianRoot(t *testing.T) {
	root := os.Getenv(debianVariable)
	if root == "" {
		t.Skipf("set %s to a root made with debootstrap", debianVariable)
	}
	f := readTree(t, root)
	lists, err := filepath.Glob(filepath.Join(root, "var/lib/dpkg/info/*.list"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for path := range strings.Lines(string(text)) {
			path = strings.Trim(path, "/\n")
			info, err := os.Lstat(filepath.Join(root, path))
			if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(path, "etc/") {
				continue
			}
			content, err := os.ReadFile(filepath.Join(root, path))
			if err != nil {
				t.Fatal(err)
			}
			owner := f.OwnerOfFile(path, sumsOfText(t, string(content)))
			if counts[string(owner)]++; owner != plimsoll.OwnedByPackage && counts[string(owner)] < 20 {
				t.Logf("%s is of %q", path, owner)
			}
		}
	}
	t.Logf("%d packages, %d files: %v", len(lists), len(f.keys)/2, counts)
	if len(lists) == 0 || counts["nobody"]+counts[""] > counts["package"]/1000 {
		t.Errorf("owners of the files that packages list: %v", counts)
	}
}

func fuzzDatabase(f *testing.F, path string) {
	f.Fuzz(func(t *testing.T, text string) {
		files := New()
		files.Read(t.Context(), path, newSection(text))
		if len(files.keys) > 2*(len(text)/4+1) {
			t.Errorf("%d keys of %d bytes", len(files.keys), len(text))
		}
		for _, p := range []string{text, "usr/bin/true", "lib", "/", ""} {
			if got := files.OwnerOfPath(p); files.incomplete && got == plimsoll.OwnedByNone {
				t.Errorf("%q is of %q", p, got)
			}
		}
	})
}

func FuzzMD5Sums(f *testing.F) {
	f.Add(md5Line("lib/x", "x") + md5Line("usr/bin/true", "true"))
	f.Add("0123456789abcdef0123456789abcdef  \n")
	f.Add(strings.Repeat("0", maxLine+1))
	fuzzDatabase(f, "var/lib/dpkg/info/a.md5sums")
}

func FuzzAPK(f *testing.F) {
	f.Add("P:a\nF:bin\nR:x\nZ:" + sha1Of("x") + "\n\n")
	f.Add("R:x\nZ:Q1\nF:\n" + strings.Repeat("Z", maxLine+1))
	fuzzDatabase(f, "lib/apk/db/installed")
}

// The sizes are those of a Debian image with 300 packages.
func BenchmarkMD5Sums(b *testing.B) {
	var text strings.Builder
	for i := range 50_000 {
		text.WriteString(md5Line(fmt.Sprintf("usr/share/package-%d/some/folder/file-%d.txt", i/160, i), "x"))
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		f := New()
		f.Read(b.Context(), "var/lib/dpkg/info/a.md5sums", newSection(text.String()))
		f.OwnerOfPath("x")
		if f.incomplete {
			b.Fatal("not read")
		}
	}
}
