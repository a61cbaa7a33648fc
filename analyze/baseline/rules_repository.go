package baseline

import (
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline/parse"
)

const (
	aptApplies = " Does not apply to an image without such files."
	yumApplies = " Looks at /etc/yum.conf, /etc/dnf/dnf.conf and /etc/yum.repos.d. Does not apply to an image without them."
)

var (
	aptReferences = []string{"sources.list(5)", "apt-secure(8)"}
	yumReferences = []string{"yum.conf(5)", "dnf.conf(5)"}
)

var repositoryRules = []rule{
	{
		id: "package.apt_trusted", title: "apt trusts a repository without signature", severity: high, protection: true,
		description: "Looks at /etc/apt/sources.list and sources.list.d. Fails for trusted=yes, allow-insecure=yes and allow-weak=yes." + aptApplies,
		advice:      "Add the key of the repository with signed-by and remove the option.", references: aptReferences,
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			for _, option := range [...]string{"trusted=yes", "allow-insecure=yes", "allow-weak=yes"} {
				if slices.Contains(l.Args, option) {
					return option + " for " + argAt(l, 0)
				}
			}
			return ""
		}), kindAptSources),
	},
	{
		id: "package.apt_unauthenticated", title: "apt installs packages without signature", severity: high, protection: true,
		description: "Looks at /etc/apt/apt.conf and apt.conf.d. Fails for AllowUnauthenticated, AllowInsecureRepositories, AllowWeakRepositories and AllowDowngradeToInsecureRepositories." + aptApplies,
		advice:      "Remove the setting.", references: aptReferences,
		judge: judgeAptSetting("true", "apt::get::allowunauthenticated", "acquire::allowinsecurerepositories", "acquire::allowweakrepositories", "acquire::allowdowngradetoinsecurerepositories"),
	},
	{
		id: "package.apt_no_verification", title: "apt accepts any certificate", severity: medium,
		description: "Looks at /etc/apt/apt.conf and apt.conf.d. Fails for Acquire::https::Verify-Peer or Verify-Host false." + aptApplies,
		advice:      "Remove the setting and add the certificate authority.", references: []string{"apt-transport-https(1)"},
		judge: judgeAptSetting("false", "acquire::https::verify-peer", "acquire::https::verify-host"),
	},
	{
		id: "package.password_in_address", title: "The address of a repository holds a password", severity: high, protection: true,
		description: "Looks at the repositories of apt, yum, dnf, apk and pip. Fails for an address of the form https://name:password@host. Does not apply to an image without repositories.",
		advice:      "Use a credential file that only root can read (apt_auth.conf), mounted while building. Then change the password.",
		references:  []string{"apt_auth.conf(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			return textIf(parse.HasPassword(l), "a password in the address "+argAt(l, 0))
		}), kindAptSources, kindAptConf, kindYumConf, kindApkRepositories, kindPipConf),
	},
	{
		id: "package.yum_unsigned", title: "yum installs packages without signature", severity: high, protection: true,
		description: "Fails for gpgcheck=0 in the main section or in a repository that is enabled." + yumApplies,
		advice:      "Set gpgcheck=1 and name the key (gpgkey=).", references: yumReferences, judge: judgeYumCheck("gpgcheck"),
	},
	{
		id: "package.yum_no_verification", title: "yum accepts any certificate", severity: medium,
		description: "Fails for sslverify=0 in the main section or in a repository that is enabled." + yumApplies,
		advice:      "Remove the setting and add the certificate authority.", references: yumReferences, judge: judgeYumCheck("sslverify"),
	},
	{
		id: "package.apk_foreign_key", title: "apk trusts a key that is not Alpine's", severity: low,
		description: "Looks at the names of keys in /etc/apk/keys. Fails for one that does not begin with alpine-devel@lists.alpinelinux.org. Does not apply to an image without such keys.",
		advice:      "Remove the key once the packages of its owner are installed.", references: []string{"apk-keys(5)"},
		judge: judgeConfigs(func(c plimsoll.ConfigFile) []string {
			name := c.Path[strings.LastIndexByte(c.Path, '/')+1:]
			if strings.HasPrefix(name, "alpine-devel@lists.alpinelinux.org-") {
				return nil
			}
			return []string{printableText(c.Path) + " is trusted"}
		}, kindApkKey),
	},
	{
		id: "package.pip_insecure", title: "pip installs packages over connections that are not checked", severity: medium,
		description: "Looks at pip.conf. Fails for trusted-host and for an index with http://. Does not apply to an image without pip.conf.",
		advice:      "Use https and add the certificate authority.", references: []string{"pip configuration"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			bad := l.Key == "trusted-host" || strings.HasSuffix(l.Key, "index-url") && strings.HasPrefix(argAt(l, 0), "http://")
			return textIf(bad, l.Key+" "+argAt(l, 0))
		}), kindPipConf),
	},
	{
		id: "package.npm_no_verification", title: "npm accepts any certificate", severity: medium,
		description: "Looks at npmrc files. Fails for strict-ssl=false. Does not apply to an image without npmrc.",
		advice:      "Remove the setting and add the certificate authority (cafile).", references: []string{"npmrc(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			return textIf(l.Key == "strict-ssl" && argAt(l, 0) == "false", "strict-ssl is false")
		}), kindNpmrc),
	},
	{
		id: "package.git_no_verification", title: "git accepts any certificate", severity: medium,
		description: "Looks at gitconfig files. Fails for http.sslVerify=false. Does not apply to an image without gitconfig.",
		advice:      "Remove the setting and add the certificate authority (http.sslCAInfo).", references: []string{"git-config(1)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			v := strings.ToLower(argAt(l, 0))
			return textIf(strings.HasPrefix(l.Scope, "http") && (v == "false" || v == "0" || v == "no" || v == "off"), "sslVerify is "+v)
		}), kindGitConf),
	},
	{
		id: "package.fetch_no_verification", title: "curl or wget accepts any certificate", severity: medium,
		description: "Looks at curlrc and wgetrc files. Fails for insecure and check_certificate=off. Does not apply to an image without them.",
		advice:      "Remove the setting and add the certificate authority.", references: []string{"curl(1)", "wget(1)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			v := strings.ToLower(argAt(l, 0))
			curl := (l.Key == "insecure" || l.Key == "k") && v != "false"
			return textIf(curl || strings.HasPrefix(l.Key, "check") && (v == "off" || v == "no" || v == "0"), strings.TrimSpace(l.Key+" "+v))
		}), kindCurlrc, kindWgetrc),
	},
}

// judgeAptSetting fails if one of the settings has a value, "true" or "false" in any spelling.
func judgeAptSetting(value string, names ...string) func(analyze.Image) verdict {
	same := func(v string) bool {
		v = strings.ToLower(v)
		if value == "true" {
			return v == "true" || v == "1" || v == "yes"
		}
		return v == "false" || v == "0" || v == "no"
	}
	return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
		return textIf(slices.Contains(names, l.Key) && same(argAt(l, 0)), l.Key+" "+argAt(l, 0))
	}), kindAptConf)
}

// judgeYumCheck fails if a check of yum is off, except in a repository that is not enabled.
func judgeYumCheck(name string) func(analyze.Image) verdict {
	return judgeConfigs(func(c plimsoll.ConfigFile) []string {
		off := map[string]bool{}
		no := func(v string) bool { return v == "0" || v == "false" || v == "no" || v == "off" }
		for _, l := range c.Lines {
			if l.Key == "enabled" {
				off[l.Scope] = no(strings.ToLower(argAt(l, 0)))
			}
		}
		return judgeLines(func(l plimsoll.ConfigLine) string {
			return textIf(l.Key == name && !off[l.Scope] && no(strings.ToLower(argAt(l, 0))), name+" is off in ["+l.Scope+"]")
		})(c)
	}, kindYumConf)
}
