package secret

import (
	"bytes"
	"path"
	"strings"

	"plimsoll"
)

// fileKind is the purpose of a text file. The same line means more in a settings file than in a manual.
type fileKind byte

// The kinds.
const (
	kindSettings fileKind = 1 << iota // settings, environment files, build files, shell scripts
	kindSource                        // programs, where values are quoted
	kindProse                         // documents, changelogs, translations
)

var kindByExtension = invertExtensions(map[fileKind]string{
	kindSettings: ".env .ini .cfg .conf .cnf .config .properties .yaml .yml .toml .json .xml .tf .tfvars .tfstate .sh .bash .zsh .hcl .plist .cfgs .credentials .service .list .netrc .sql .ps1 .bat .cmd .vars .local .prod .production .staging .dev .dockerfile .settings .ovpn .rdp .reg .tpl .j2",
	kindSource:   ".py .pyi .js .mjs .cjs .jsx .ts .tsx .go .java .kt .scala .rb .php .c .h .cc .cpp .hpp .cs .rs .pl .pm .lua .swift .m .groovy .gradle .erl .ex .exs .clj .hs .r .dart .vue .svelte .css .scss .less .tcl .awk .el .vim .ipynb .jsp .asp .aspx .erb .ejs .coffee .t .in .am .ac .cmake",
	kindProse:    ".md .markdown .rst .txt .html .htm .xhtml .adoc .tex .po .pot .mo .rtf .csv .tsv .svg .log .1 .2 .3 .4 .5 .6 .7 .8 .pod .man .texi .info .map .lock .patch .diff .sum .pem .crt .dic .aff .rng .xsd .dtd .bib .ics .srt .snap",
})

func invertExtensions(lists map[fileKind]string) map[string]fileKind {
	byExtension := map[string]fileKind{}
	for k, list := range lists {
		for e := range strings.FieldsSeq(list) {
			byExtension[e] = k
		}
	}
	return byExtension
}

// kindOf guesses the kind from the name. A file with an unknown name counts as settings in directories where people keep
// settings, and as a document elsewhere. Path and base name are in lower case.
func kindOf(low, base string) fileKind {
	if strings.HasPrefix(low, plimsoll.ConfigScheme) {
		return kindSettings
	}
	if strings.HasPrefix(base, ".env") || strings.HasPrefix(base, "dockerfile") || strings.HasPrefix(base, "docker-compose") {
		return kindSettings
	}
	ext := path.Ext(base)
	if k, ok := kindByExtension[ext]; ok && ext != base {
		return k
	}
	if strings.HasPrefix(base, ".") || base == "makefile" || base == "jenkinsfile" || base == "procfile" || base == "vagrantfile" || base == "credentials" || base == "config" {
		return kindSettings
	}
	for _, folder := range []string{"etc/", "root/", "home/", "srv/", "opt/", "app/", "run/secrets/", "data/", "workspace/", "code/", "var/www/"} {
		if strings.HasPrefix(low, folder) {
			return kindSettings
		}
	}
	for _, folder := range []string{"/etc/", "/conf/", "/config/", "/secrets/", "/.config/"} {
		if strings.Contains(low, folder) {
			return kindSettings
		}
	}
	if !strings.Contains(low, "/") {
		return kindSettings
	}
	return kindProse
}

// headLength is the number of first bytes that decide whether a file is text.
const headLength = 8 << 10

// isBinary reports whether a file with these first bytes is not text.
func isBinary(head []byte) bool {
	return bytes.IndexByte(head, 0) >= 0
}
