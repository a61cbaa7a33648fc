package baseline

import (
	"io"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/analyze/baseline/parse"
)

// fileKind is a kind of configuration file that rules read.
type fileKind struct {
	name      plimsoll.ConfigKind
	maxBytes  int64 // bytes
	tolerant  bool  // a file that cannot be read whole makes its rules "not looked", but is no failure of the scan
	keepEmpty bool  // the file is a fact even if no line of it is kept
	parse     func(io.Reader) ([]plimsoll.ConfigLine, error)
}

const (
	maxConfigBytes = 1 << 20
	maxScriptBytes = 256 << 10
	maxKeyBytes    = 64 << 10
)

// The kinds. A kind without a parser is a fact by its path alone; its content is not read.
var (
	kindSSHServer       = &fileKind{"sshd", maxConfigBytes, false, true, parse.SSH}
	kindSSHClient       = &fileKind{"ssh", maxConfigBytes, false, true, parse.SSH}
	kindLoginDefs       = &fileKind{"login.defs", maxConfigBytes, false, true, parse.LoginDefs}
	kindPAM             = &fileKind{"pam", maxConfigBytes, false, true, parse.PAM}
	kindPwquality       = &fileKind{"pwquality", maxConfigBytes, false, true, parse.Pairs}
	kindSudoers         = &fileKind{"sudoers", maxConfigBytes, false, true, parse.Sudoers}
	kindCrontab         = &fileKind{"crontab", maxConfigBytes, false, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Crontab(r, true) }}
	kindUserCrontab     = &fileKind{"user-crontab", maxConfigBytes, false, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Crontab(r, false) }}
	kindAptSources      = &fileKind{"apt-sources", maxConfigBytes, false, true, parse.AptSources}
	kindAptConf         = &fileKind{"apt-conf", maxConfigBytes, false, true, parse.AptConf}
	kindYumConf         = &fileKind{"yum", maxConfigBytes, false, true, parseIni("enabled", "gpgcheck", "sslverify", "baseurl")}
	kindApkRepositories = &fileKind{"apk-repositories", maxConfigBytes, false, true, parse.Names}
	kindPipConf         = &fileKind{"pip", maxConfigBytes, true, true, parseIni("trusted-host", "index-url", "extra-index-url")}
	kindGitConf         = &fileKind{"git", maxConfigBytes, true, true, parseIni("sslverify")}
	kindCurlrc          = &fileKind{"curlrc", maxConfigBytes, true, true, parseSwitches("insecure", "k")}
	kindWgetrc          = &fileKind{"wgetrc", maxConfigBytes, true, true, parseSwitches("check_certificate", "check-certificate")}
	kindNpmrc           = &fileKind{"npmrc", maxConfigBytes, true, true, parseSwitches("strict-ssl")}
	kindScript          = &fileKind{"script", maxScriptBytes, true, true, parse.Script}
	kindPrivateKey      = &fileKind{"private-key", maxKeyBytes, true, false, parse.PrivateKeys}
	kindHostKey         = &fileKind{"ssh-host-key", maxKeyBytes, true, true, parse.PrivateKeys}
	kindTrust           = &fileKind{"trust", maxConfigBytes, false, true, parse.Trust}
	kindAuthorizedKeys  = &fileKind{"authorized-keys", maxConfigBytes, false, true, parse.AuthorizedKeys}
	kindCredentials     = &fileKind{"credentials", maxConfigBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Credentials(r, false) }}
	kindCredentialLines = &fileKind{"credential-lines", maxConfigBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Credentials(r, true) }}
	kindHistory         = &fileKind{"history", maxConfigBytes, true, true, parse.AnyLine}
	kindPreload         = &fileKind{"ld.so.preload", maxConfigBytes, false, true, parse.AnyLine}

	kindKeyStore = &fileKind{name: "keystore"}
	kindCheckout = &fileKind{name: "checkout"}
	kindExtraCA  = &fileKind{name: "extra-ca"}
	kindApkKey   = &fileKind{name: "apk-key"}
)

func parseIni(keep ...string) func(io.Reader) ([]plimsoll.ConfigLine, error) {
	return func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Ini(r, keep...) }
}

func parseSwitches(keep ...string) func(io.Reader) ([]plimsoll.ConfigLine, error) {
	return func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Switches(r, keep...) }
}

// kindOf returns the kind of the file at a path, nil if no rule reads it. It is called for every
// file of a layer.
func kindOf(name string) *fileKind {
	if in, ok := strings.CutPrefix(name, "etc/"); ok {
		if k := kindInEtc(in); k != nil {
			return k
		}
	}
	if isPackagePath(name) {
		return nil
	}
	slash := strings.LastIndexByte(name, '/')
	if k := kindByBase(name, name[slash+1:]); k != nil {
		return k
	}
	return kindByExtension(name, name[slash+1:])
}

// isPackagePath reports whether a path is in a directory of libraries, documentation and tests
// that packages bring. Keys and scripts there are published samples.
func isPackagePath(name string) bool {
	for _, dir := range [...]string{"usr/lib", "usr/share/", "usr/include/", "usr/src/", "lib/", "lib64/", "proc/", "sys/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

func kindInEtc(name string) *fileKind {
	switch name {
	case "ssh/sshd_config":
		return kindSSHServer
	case "ssh/ssh_config":
		return kindSSHClient
	case "login.defs":
		return kindLoginDefs
	case "security/pwquality.conf":
		return kindPwquality
	case "sudoers":
		return kindSudoers
	case "crontab":
		return kindCrontab
	case "apt/sources.list":
		return kindAptSources
	case "apt/apt.conf":
		return kindAptConf
	case "yum.conf", "dnf/dnf.conf":
		return kindYumConf
	case "apk/repositories":
		return kindApkRepositories
	case "pip.conf":
		return kindPipConf
	case "gitconfig":
		return kindGitConf
	case "curlrc":
		return kindCurlrc
	case "wgetrc":
		return kindWgetrc
	case "npmrc":
		return kindNpmrc
	case "profile", "bash.bashrc", "bashrc", "rc.local":
		return kindScript
	case "hosts.equiv", "ssh/shosts.equiv", "shosts.equiv":
		return kindTrust
	case "ld.so.preload":
		return kindPreload
	}
	dir, base := path.Split(name)
	return kindInEtcFolder(dir, base)
}

func kindInEtcFolder(dir, base string) *fileKind {
	switch dir {
	case "ssh/sshd_config.d/":
		return kindIfSuffix(base, ".conf", kindSSHServer)
	case "ssh/ssh_config.d/":
		return kindIfSuffix(base, ".conf", kindSSHClient)
	case "ssh/":
		if strings.HasPrefix(base, "ssh_host_") {
			return kindIfSuffix(base, "_key", kindHostKey)
		}
	case "pam.d/", "authselect/":
		if !strings.Contains(base, ".") {
			return kindPAM
		}
	case "security/pwquality.conf.d/":
		return kindIfSuffix(base, ".conf", kindPwquality)
	case "sudoers.d/":
		if !strings.ContainsAny(base, ".~") {
			return kindSudoers
		}
	case "cron.d/":
		return kindCrontab
	case "crontabs/":
		return kindUserCrontab
	case "apt/sources.list.d/":
		if strings.HasSuffix(base, ".list") || strings.HasSuffix(base, ".sources") {
			return kindAptSources
		}
	case "apt/apt.conf.d/":
		return kindAptConf
	case "yum.repos.d/":
		return kindIfSuffix(base, ".repo", kindYumConf)
	case "apk/keys/":
		return kindIfSuffix(base, ".pub", kindApkKey)
	case "profile.d/":
		return kindIfSuffix(base, ".sh", kindScript)
	case "pki/ca-trust/source/anchors/":
		return kindExtraCA
	}
	return nil
}

func kindIfSuffix(base, suffix string, k *fileKind) *fileKind {
	if strings.HasSuffix(base, suffix) {
		return k
	}
	return nil
}

func kindByBase(name, base string) *fileKind {
	switch base {
	case ".rhosts", ".shosts":
		return kindTrust
	case "authorized_keys", "authorized_keys2":
		return kindAuthorizedKeys
	case ".netrc", ".pypirc", ".my.cnf":
		return kindCredentials
	case ".npmrc":
		return kindUserNpmrc
	case ".git-credentials", ".pgpass":
		return kindCredentialLines
	case ".bash_history", ".ash_history", ".sh_history", ".zsh_history", ".mysql_history", ".psql_history", ".python_history":
		return kindHistory
	case ".curlrc":
		return kindCurlrc
	case ".wgetrc":
		return kindWgetrc
	case ".gitconfig":
		return kindGitConf
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return kindPrivateKey
	case ".bashrc", ".bash_profile", ".profile", "entrypoint", "docker-entrypoint":
		return kindScript
	case "pip.conf":
		return kindPipConf
	case "credentials":
		return kindIfSuffix(name, ".aws/credentials", kindCredentials)
	case "config.json":
		return kindIfSuffix(name, ".docker/config.json", kindCredentials)
	case "config":
		if strings.HasSuffix(name, ".kube/config") {
			return kindCredentials
		}
		return kindIfSuffix(name, ".ssh/config", kindSSHClient)
	case "HEAD":
		return kindIfSuffix(name, ".git/HEAD", kindCheckout)
	}
	return nil
}

func kindByExtension(name, base string) *fileKind {
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 {
		if strings.HasPrefix(name, "var/spool/cron/") {
			return kindUserCrontab
		}
		return nil
	}
	switch base[dot:] {
	case ".pem", ".key":
		return kindPrivateKey
	case ".p12", ".pfx", ".jks", ".keystore":
		return kindKeyStore
	case ".sh":
		return kindScript
	case ".crt":
		if strings.HasPrefix(name, "usr/local/share/ca-certificates/") {
			return kindExtraCA
		}
	}
	return nil
}

// kindUserNpmrc reads the settings of an npmrc and its secrets.
var kindUserNpmrc = &fileKind{"npmrc", maxConfigBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxConfigBytes))
	if err != nil {
		return nil, err
	}
	safe, err := parse.Switches(strings.NewReader(string(text)), "strict-ssl")
	if err != nil {
		return safe, err
	}
	secret, err := parse.Credentials(strings.NewReader(string(text)), false)
	return append(safe, secret...), err
}}

// isGuardedPath reports whether rules judge the mode of a path, so that every mode is kept.
func isGuardedPath(name string) bool {
	if in, ok := strings.CutPrefix(name, "etc/"); ok {
		switch in {
		case "passwd", "shadow", "group", "gshadow", "sudoers", "crontab", "ssh/sshd_config", "ssh", "ld.so.preload":
			return true
		}
		return strings.HasPrefix(in, "sudoers.d/") || strings.HasPrefix(in, "cron.") || strings.HasPrefix(in, "crontabs/") ||
			strings.HasPrefix(in, "ssh/ssh_host_") && strings.HasSuffix(in, "_key")
	}
	if name == "root" || strings.HasPrefix(name, "var/spool/cron") || strings.HasSuffix(name, "/.ssh") {
		return true
	}
	if isPackagePath(name) {
		return false
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	switch base {
	case "authorized_keys", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass", ".git-credentials":
		return true
	}
	return strings.HasSuffix(base, ".key") || strings.HasSuffix(base, ".pem")
}
