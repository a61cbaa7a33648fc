package secret

import (
	"bytes"
	"path"
	"strings"

	"plimsoll"
)

// kind is what a text file is for: the same line means more in a settings file than in a manual.
type kind byte

// The kinds.
const (
	settings kind = 1 << iota // settings, environment files, build files, scripts of a shell
	source                    // programs: values are quoted
	prose                     // documents, changelogs, translations
)

var kindByExtension = extensions(map[kind]string{
	settings: ".env .ini .cfg .conf .cnf .config .properties .yaml .yml .toml .json .xml .tf .tfvars .tfstate .sh .bash .zsh .hcl .plist .cfgs .credentials .service .list .netrc .sql .ps1 .bat .cmd .vars .local .prod .production .staging .dev .dockerfile .settings .ovpn .rdp .reg .tpl .j2",
	source:   ".py .pyi .js .mjs .cjs .jsx .ts .tsx .go .java .kt .scala .rb .php .c .h .cc .cpp .hpp .cs .rs .pl .pm .lua .swift .m .groovy .gradle .erl .ex .exs .clj .hs .r .dart .vue .svelte .css .scss .less .tcl .awk .el .vim .ipynb .jsp .asp .aspx .erb .ejs .coffee .t .in .am .ac .cmake",
	prose:    ".md .markdown .rst .txt .html .htm .xhtml .adoc .tex .po .pot .mo .rtf .csv .tsv .svg .log .1 .2 .3 .4 .5 .6 .7 .8 .pod .man .texi .info .map .lock .patch .diff .sum .pem .crt .dic .aff .rng .xsd .dtd .bib .ics .srt .snap",
})

func extensions(lists map[kind]string) map[string]kind {
	byExtension := map[string]kind{}
	for k, list := range lists {
		for e := range strings.FieldsSeq(list) {
			byExtension[e] = k
		}
	}
	return byExtension
}

// kindOf guesses from the name. A file without a telling name is taken for settings below
// folders where people put those, and for a document elsewhere. Both names are in lower case.
func kindOf(low, base string) kind {
	if strings.HasPrefix(low, plimsoll.ConfigScheme) {
		return settings
	}
	if strings.HasPrefix(base, ".env") || strings.HasPrefix(base, "dockerfile") || strings.HasPrefix(base, "docker-compose") {
		return settings
	}
	ext := path.Ext(base)
	if k, ok := kindByExtension[ext]; ok && ext != base {
		return k
	}
	if strings.HasPrefix(base, ".") || base == "makefile" || base == "jenkinsfile" || base == "procfile" || base == "vagrantfile" || base == "credentials" || base == "config" {
		return settings
	}
	for _, folder := range []string{"etc/", "root/", "home/", "srv/", "opt/", "app/", "run/secrets/", "data/", "workspace/", "code/", "var/www/"} {
		if strings.HasPrefix(low, folder) {
			return settings
		}
	}
	for _, folder := range []string{"/etc/", "/conf/", "/config/", "/secrets/", "/.config/"} {
		if strings.Contains(low, folder) {
			return settings
		}
	}
	if !strings.Contains(low, "/") {
		return settings
	}
	return prose
}

// sniff is how many first bytes decide whether a file is text.
const sniff = 8 << 10

// binary reports whether a file that begins so is not text.
func binary(head []byte) bool {
	return bytes.IndexByte(head, 0) >= 0
}
