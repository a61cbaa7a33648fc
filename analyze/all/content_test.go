package all

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll"
	"plimsoll/analyze"
)

// The samples are put together here, so that no file of the source is one.
var (
	token = "ghp_" + "q7Zr2KpX9vLm4TnB8wYc3" + "HdF6sJgA1eRu5Qk"
	shell = "eval(base64_" + "decode($_POST['x']))"
)

const ownRules = `rule shell_post { strings: $a = "base64_decode($_POST" condition: $a }
rule tiny_elf { condition: uint32(0) == 0x464c457f and filesize < 100 }
`

func zipOf(t *testing.T, name, body string) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func gzOf(t *testing.T, body string) string {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, err := io.WriteString(z, body)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// TestContentIsSearchedOnce runs rules, ClamAV signatures, hashes and secrets over one layer:
// plain files, large files, members of archives, hard links, replaced files.
func TestContentIsSearchedOnce(t *testing.T) {
	eicar := `X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`
	list, err := Analyzers(Config{Rules: []RuleFile{
		{"own.yar", []byte(ownRules)},
		{"own.ndb", []byte("Own.Marker:0:*:" + fmt.Sprintf("%x", "a marker of nobody's") + "\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("0123456789abcdef", 3<<20/2) + shell + strings.Repeat("x", 100) + "\n" + token + "\n"
	file := func(path, body string) (plimsoll.Entry, string) {
		return plimsoll.Entry{Path: path, Size: int64(len(body)), Mode: 0o644}, body
	}
	run := ready(t, list).Run(t.Context(), plimsoll.DefaultBudget(), nil)
	visit := func(e plimsoll.Entry, body string) {
		if err := run.Visit(e, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	visit(file("srv/shell.php", "<?php "+shell+" ?>"))
	visit(file("srv/tiny", "\x7fELF small"))
	visit(file("srv/marked", "here is a marker of nobody's, in text"))
	visit(file("srv/large", large))
	visit(file("srv/app.jar", zipOf(t, "inner.gz", gzOf(t, eicar+"\n"))))
	visit(file("srv/conf.zip", zipOf(t, "a/.env", "TOKEN="+token+"\n")))
	visit(plimsoll.Entry{Path: "srv/linked", Type: plimsoll.EntryHardlink, Link: "srv/conf.zip"}, "")
	visit(plimsoll.Entry{Path: "srv/also.php", Type: plimsoll.EntryHardlink, Link: "srv/shell.php"}, "")
	visit(file("srv/replaced.php", shell))
	visit(file("srv/replaced.php", "clean"))
	// Names of files in a layer that look like members of archives.
	visit(file("a!/b", shell+token))
	visit(file("a!/c", shell+token))
	visit(file("a!/b", "clean"))
	visit(file("a!/z.zip", zipOf(t, "k", token)))
	visit(plimsoll.Entry{Path: "a!/d", Type: plimsoll.EntryHardlink, Link: "a!/c"}, "")
	visit(file("srv/broken.zip", zipOf(t, "x", strings.Repeat("y", 100))[:60]))
	reports, _ := run.Reports()
	var malware, secrets []string
	for _, r := range reports {
		if len(r.Failures) > 0 {
			t.Errorf("%s: %+v", r.Analyzer.Name, r.Failures)
		}
		for _, m := range r.Malware {
			malware = append(malware, fmt.Sprint(m.Path, " ", m.Kind, " ", m.Engine, " ", m.Rule))
			if m.Kind == plimsoll.MalwareMatch && len(m.SHA256) != 64 {
				t.Errorf("no sum: %+v", m)
			}
		}
		for _, s := range r.Secrets {
			secrets = append(secrets, s.Path+" "+s.Rule)
			if strings.Contains(fmt.Sprint(s), token[4:12]) {
				t.Errorf("the secret is in %+v", s)
			}
		}
	}
	if diff := cmp.Diff([]string{
		"a!/c match yara/own.yar shell_post",
		"a!/d match yara/own.yar shell_post",
		"srv/also.php match yara/embedded WebShell_PHP",
		"srv/also.php match yara/own.yar shell_post",
		"srv/app.jar!/inner.gz!/inner match sha256/embedded EICAR-Test-File",
		"srv/broken.zip not_looked archive broken",
		"srv/large match yara/own.yar shell_post",
		"srv/marked match clamav/own.ndb Own.Marker",
		"srv/shell.php match yara/embedded WebShell_PHP",
		"srv/shell.php match yara/own.yar shell_post",
		"srv/tiny match yara/own.yar tiny_elf",
	}, malware); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a!/c github-token", "a!/d github-token", "a!/z.zip!/k github-token", "srv/conf.zip!/a/.env github-token", "srv/large github-token", "srv/linked!/a/.env github-token"}, secrets); diff != "" {
		t.Error(diff)
	}
	if !slices.ContainsFunc(list, func(a analyze.Analyzer) bool { _, ok := a.(analyze.Searcher); return ok }) {
		t.Error("nothing is searched for")
	}
}
