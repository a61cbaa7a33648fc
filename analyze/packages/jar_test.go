package packages

import (
	"archive/zip"
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
)

// zipFile returns an archive of files by name.
func zipFile(files map[string]string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(files[name]))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func pomProperties(group, artifact, version string) (string, string) {
	return "META-INF/maven/" + group + "/" + artifact + "/pom.properties", "#made\ngroupId=" + group + "\nartifactId=" + artifact + "\nversion=" + version + "\n"
}

func jarOf(modules ...string) map[string]string {
	files := map[string]string{"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\r\nImplementation-Title: shade\r\nImplementation-Version: 9\r\n\r\n"}
	for _, m := range modules {
		part := strings.Split(m, ":")
		name, body := pomProperties(part[0], part[1], part[2])
		files[name] = body
	}
	return files
}

func TestJars(t *testing.T) {
	war := jarOf("org.example:web:1.0")
	war["WEB-INF/lib/log4j-core-2.14.1.jar"] = string(zipFile(jarOf("org.apache.logging.log4j:log4j-core:2.14.1")))
	war["WEB-INF/lib/spring-web-5.3.0.jar"] = string(zipFile(nil))
	war["WEB-INF/lib/large.jar"] = string(zipFile(map[string]string{"x": "", "META-INF/MANIFEST.MF": "Bundle-SymbolicName: org.acme.thing;singleton:=true\nBundle-Version: 3.2.1\nImplementation-Title: thi\n ng\n"}))
	tests := []struct {
		path  string
		files map[string]string
		want  []string
	}{
		{"opt/a.jar", jarOf("org.example:a:1.0"), []string{"Maven org.example:a 1.0 pkg:maven/org.example/a@1.0"}},
		{"opt/shaded.jar", jarOf("g:a:1", "g:b:2", "g:a:1"), []string{"Maven g:a 1 pkg:maven/g/a@1", "Maven g:b 2 pkg:maven/g/b@2"}},
		{"opt/app.WAR", war, []string{
			"Maven org.acme:thing 3.2.1 pkg:maven/org.acme/thing@3.2.1",
			"Maven org.apache.logging.log4j:log4j-core 2.14.1 pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
			"Maven org.example:web 1.0 pkg:maven/org.example/web@1.0",
			"Maven org.springframework:spring-web 5.3.0 pkg:maven/org.springframework/spring-web@5.3.0",
		}},
		{"opt/junit-4.12.jar", nil, []string{"Maven junit:junit 4.12 pkg:maven/junit/junit@4.12"}},
		{"opt/unnamed.jar", nil, nil},
		{"opt/revision-1.jar", jarOf("g:a:${revision}"), []string{"Maven revision:revision 1 pkg:maven/revision/revision@1"}},
	}
	for _, test := range tests {
		r := analyzeFile(t, test.path, string(zipFile(test.files)))
		checkFailure(t, r, "")
		if diff := cmp.Diff(test.want, packageTexts(r)); diff != "" {
			t.Errorf("%s: %s", test.path, diff)
		}
	}
}

func TestJarBudgets(t *testing.T) {
	nested := zipFile(jarOf("g:deep:1"))
	for i := range maxNesting {
		files := jarOf("g:level" + strconv.Itoa(maxNesting-i) + ":1")
		files["inner.jar"] = string(nested)
		nested = zipFile(files)
	}
	r := analyzeFile(t, "opt/deep.jar", string(nested))
	if len(r.Failures) != 1 || r.Failures[0].Code != plimsoll.FailureOversized || !strings.Contains(r.Failures[0].Detail, "nested deeper") {
		t.Errorf("%+v", r.Failures)
	}
	if got := packageTexts(r); len(got) != maxNesting || strings.Contains(strings.Join(got, " "), "deep") {
		t.Errorf("%v", got)
	}

	// A directory with an entry that claims to be larger than the limit.
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	if _, err := z.CreateRaw(&zip.FileHeader{Name: "huge.jar", Method: zip.Store, UncompressedSize64: maxArchive + 1}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r = analyzeFile(t, "opt/huge.jar", out.String())
	if len(r.Failures) != 1 || r.Failures[0].Code != plimsoll.FailureOversized || !strings.Contains(r.Failures[0].Detail, "over the budget") {
		t.Errorf("%+v", r.Failures)
	}

	// A nested archive that does not fit in memory.
	large := zipFile(map[string]string{"pad": strings.Repeat("0123456789abcdef", 1), "META-INF/maven/g/a/pom.properties": "groupId=g\nartifactId=a\nversion=1\n"})
	body := append(bytes.Repeat([]byte{'x'}, nestedInMemory+1), large...)
	r = analyzeFile(t, "opt/outer.jar", string(zipFile(map[string]string{"inner.jar": string(body)})))
	if diff := cmp.Diff([]string{"Maven g:a 1 pkg:maven/g/a@1"}, packageTexts(r)); diff != "" || len(r.Failures) > 0 {
		t.Error(diff, r.Failures)
	}
}
