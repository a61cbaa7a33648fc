package packages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

// packageTexts returns a text per package of a report: ecosystem, name, version, URL.
func packageTexts(r plimsoll.LayerReport) []string {
	var out []string
	for _, f := range r.Packages {
		for _, p := range f.Packages {
			out = append(out, strings.TrimSpace(p.Ecosystem+" "+p.Name+" "+p.Version+" "+p.PURL))
		}
	}
	return out
}

func TestManifests(t *testing.T) {
	tests := []struct {
		path, body string
		format     plimsoll.PackageFormat
		want       []string
	}{
		{"srv/node_modules/left-pad/package.json", `{"name":"left-pad","version":"1.3.0"}`, plimsoll.FormatNPM, []string{"npm left-pad 1.3.0 pkg:npm/left-pad@1.3.0"}},
		{"srv/node_modules/@a/b/package.json", `{"name":"@a/b","version":"2.0.0"}`, plimsoll.FormatNPM, []string{"npm @a/b 2.0.0 pkg:npm/%40a/b@2.0.0"}},
		{"usr/lib/python3/site-packages/Zope.Interface-5.4.dist-info/METADATA", "Metadata-Version: 2.1\nName: Zope.Interface\nVersion: 5.4\n\nText\n", plimsoll.FormatPyPI,
			[]string{"PyPI zope-interface 5.4 pkg:pypi/zope-interface@5.4"}},
		{"usr/lib/python3/dist-packages/six.egg-info", "Name: six\nVersion: 1.16.0\n", plimsoll.FormatPyPI, []string{"PyPI six 1.16.0 pkg:pypi/six@1.16.0"}},
		{"usr/lib/ruby/gems/3.1.0/specifications/rack-2.2.4.gemspec", "# -*- encoding: utf-8 -*-\nGem::Specification.new do |s|\n  s.name = \"rack\".freeze\n  s.version = \"2.2.4\"\nend\n",
			plimsoll.FormatGem, []string{"RubyGems rack 2.2.4 pkg:gem/rack@2.2.4"}},
		{"app/app.deps.json", `{"runtimeTarget":{"name":".NETCoreApp"},"libraries":{"app/1.0.0":{"type":"project"},"Newtonsoft.Json/13.0.1":{"type":"package"}}}`,
			plimsoll.FormatNuGet, []string{"NuGet Newtonsoft.Json 13.0.1 pkg:nuget/Newtonsoft.Json@13.0.1"}},
		{"srv/vendor/composer/installed.json", `{"packages":[{"name":"Monolog/monolog","version":"2.9.1"}]}`, plimsoll.FormatComposer,
			[]string{"Packagist monolog/monolog 2.9.1 pkg:composer/monolog/monolog@2.9.1"}},
		{"old/vendor/composer/installed.json", ` [{"name":"a/b","version":"v1.0"}]`, plimsoll.FormatComposer, []string{"Packagist a/b v1.0 pkg:composer/a/b@v1.0"}},
		{"opt/conda/conda-meta/openssl-3.0.7-h0.json", `{"name":"openssl","version":"3.0.7"}`, plimsoll.FormatConda, []string{"Conda openssl 3.0.7 pkg:conda/openssl@3.0.7"}},
		{"usr/lib/R/library/MASS/DESCRIPTION", "Package: MASS\nTitle: Functions\n  and more\nVersion: 7.3-58\n", plimsoll.FormatCRAN, []string{"CRAN MASS 7.3-58 pkg:cran/MASS@7.3-58"}},
		{"var/lib/pacman/local/bash-5.2-1/desc", "%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%BASE%\nbash\n\n%ARCH%\nx86_64\n", plimsoll.FormatPacman, []string{"bash 5.2-1"}},
		{"var/db/pkg/app-shells/bash-5.2_p15-r6/PF", "bash-5.2_p15-r6\n", plimsoll.FormatPortage, []string{"app-shells/bash 5.2_p15-r6"}},
		{"srv/package-lock.json", `{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"},"node_modules/ms":{"version":"2.1.3"}}}`, plimsoll.FormatNPMLock, []string{"npm ms 2.1.3 pkg:npm/ms@2.1.3"}},
		{"srv/yarn.lock", "# yarn lockfile v1\n\n\nms@^2.0.0:\n  version \"2.1.3\"\n", plimsoll.FormatYarnLock, []string{"npm ms 2.1.3 pkg:npm/ms@2.1.3"}},
		{"srv/pnpm-lock.yaml", "lockfileVersion: 5.4\n\npackages:\n\n  /ms/2.1.3:\n    resolution: {integrity: sha512-x}\n    dev: false\n", plimsoll.FormatPnpmLock, []string{"npm ms 2.1.3 pkg:npm/ms@2.1.3"}},
		{"srv/composer.lock", `{"packages":[{"name":"a/b","version":"1.0"}],"packages-dev":[]}`, plimsoll.FormatComposerLock, []string{"Packagist a/b 1.0 pkg:composer/a/b@1.0"}},
		{"srv/Gemfile.lock", "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.2.4)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rack\n", plimsoll.FormatGemLock, []string{"RubyGems rack 2.2.4 pkg:gem/rack@2.2.4"}},
		{"srv/packages.lock.json", `{"version":1,"dependencies":{"net6.0":{"Serilog":{"type":"Direct","resolved":"2.12.0"}}}}`, plimsoll.FormatNuGetLock, []string{"NuGet Serilog 2.12.0 pkg:nuget/Serilog@2.12.0"}},
		{"srv/mix.lock", "%{\n  \"jason\": {:hex, :jason, \"1.4.0\", \"e855\", [:mix], [], \"hexpm\", \"79a3\"},\n}\n", plimsoll.FormatMixLock, []string{"Hex jason 1.4.0 pkg:hex/jason@1.4.0"}},
	}
	formats := map[plimsoll.PackageFormat]bool{plimsoll.FormatJar: true}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			r := analyzeFile(t, test.path, test.body)
			checkFailure(t, r, "")
			if diff := cmp.Diff(test.want, packageTexts(r)); diff != "" {
				t.Error(diff)
			}
			low := strings.HasSuffix(string(test.format), "-lock")
			if len(r.Packages) != 1 || r.Packages[0].Format != test.format || r.Packages[0].LowConfidence != low {
				t.Errorf("%+v", r.Packages)
			}
		})
		formats[test.format] = true
	}
	for _, m := range manifestFormats {
		if !formats[m.format] {
			t.Errorf("format %s has no test", m.format)
		}
	}
}

func TestPathsThatAreNoManifests(t *testing.T) {
	for _, path := range []string{
		"srv/package.json", "srv/node_modules/a/test/package.json", "srv/node_modules/a/yarn.lock", "srv/a.gemspec",
		"usr/lib/ruby/gems/3.1.0/gems/rack-2.2.4/rack.gemspec", "srv/DESCRIPTION", "opt/conda-meta/history", "usr/share/jar",
		"var/lib/pacman/local/ALPM_DB_VERSION", "var/db/pkg/app-shells/bash-5/SLOT", "go.mod", "srv/vendor/a/b/composer.lock",
	} {
		if m := manifestOf(path); m != nil {
			t.Errorf("%s is taken for %s", path, m.format)
		}
	}
}

func TestBrokenManifests(t *testing.T) {
	for path, body := range map[string]string{
		"srv/node_modules/a/package.json": `{"name":`, "opt/conda-meta/a.json": `{"name":"a"}`, "app/app.deps.json": `{"libraries":{`,
		"srv/vendor/composer/installed.json": `{"packages":[{"name":"a"`, "usr/lib/R/library/a/DESCRIPTION": "Package: a\n",
		"var/db/pkg/a/b/PF": "", "var/lib/pacman/local/a/desc": "%NAME%\n", "srv/mix.lock/x.jar": "PK not an archive",
		"usr/lib/a.dist-info/METADATA": "Name: a\n",
	} {
		if r := analyzeFile(t, path, body); len(r.Failures) != 1 || r.Failures[0].Code != plimsoll.FailurePackages || len(r.Packages) != 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
	// Files whose content is not what the name suggests are no failures.
	for path, body := range map[string]string{"srv/editor.deps.json": `["wp"]`, "srv/a.jar": "text", "bin/x.exe": "text", "srv/editor2.deps.json": `{"libraries":3}`} {
		if r := analyzeFile(t, path, body); len(r.Failures) != 0 || len(r.Packages) != 0 {
			t.Errorf("%s: %+v", path, r)
		}
	}
}

func TestTidy(t *testing.T) {
	list := []plimsoll.Package{{Name: "b", Version: "1"}, {Name: "a", Version: "1"}, {Name: "b", Version: "1"}, {Name: "x"}, {Name: strings.Repeat("x", 2000), Version: "1"}}
	got, err := sortAndLimit(slices.Clone(list), 10)
	if len(got) != 2 || got[0].Name != "a" || err == nil {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = sortAndLimit(list, 1)
	if len(got) != 1 || plimsoll.FailureOf(err) != plimsoll.FailureOversized {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzManifest fuzzes the reader of every format.
func FuzzManifest(f *testing.F) {
	for i := range manifestFormats {
		f.Add(uint8(i), []byte(`{"name":"a","version":"1","packages":[{"name":"a","version":"1"}],"libraries":{"a/1":{}}}`))
		f.Add(uint8(i), []byte("Name: a\nVersion: 1\n%NAME%\na\n"))
	}
	f.Add(uint8(5), zipFile(map[string]string{"META-INF/maven/a/b/pom.properties": "groupId=a\nartifactId=b\nversion=1\n", "lib/x-1.jar": string(zipFile(nil))}))
	silenceLibraryLog()
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		m := manifestFormats[int(which)%len(manifestFormats)]
		file := analyze.File{Entry: plimsoll.Entry{Path: fmt.Sprintf("var/db/pkg/a/%d/PF", which)}, SectionReader: newSection(string(raw))}
		list, _ := m.read(t.Context(), file, 100)
		if len(list) > 100 {
			t.Fatalf("%d packages", len(list))
		}
		for _, p := range list {
			if p.Name == "" || p.Version == "" {
				t.Errorf("%s: %+v", m.format, p)
			}
		}
	})
}
