package baseline

import (
	"io"
	"path"
	"strings"

	"plimsoll"
	"plimsoll/analyze/baseline/parse"
)

// kind is a sort of file that rules read.
type kind struct {
	name  plimsoll.ConfigKind
	max   int64 // bytes
	minor bool  // one that cannot be read whole is said so by the rule, and fails no scan
	empty bool  // that the file is there is a fact even if nothing of it is kept
	parse func(io.Reader) ([]plimsoll.ConfigLine, error)
}

const (
	configBytes = 1 << 20
	scriptBytes = 256 << 10
	keyBytes    = 64 << 10
)

// The kinds. Those without a parser are told by their names alone.
var (
	sshServer    = &kind{"sshd", configBytes, false, true, parse.SSH}
	sshClient    = &kind{"ssh", configBytes, false, true, parse.SSH}
	loginDefs    = &kind{"login.defs", configBytes, false, true, parse.LoginDefs}
	pam          = &kind{"pam", configBytes, false, true, parse.PAM}
	pwquality    = &kind{"pwquality", configBytes, false, true, parse.Pairs}
	sudoers      = &kind{"sudoers", configBytes, false, true, parse.Sudoers}
	crontab      = &kind{"crontab", configBytes, false, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Crontab(r, true) }}
	userCrontab  = &kind{"user-crontab", configBytes, false, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Crontab(r, false) }}
	aptSources   = &kind{"apt-sources", configBytes, false, true, parse.AptSources}
	aptConf      = &kind{"apt-conf", configBytes, false, true, parse.AptConf}
	yumConf      = &kind{"yum", configBytes, false, true, ini("enabled", "gpgcheck", "sslverify", "baseurl")}
	apkSources   = &kind{"apk-repositories", configBytes, false, true, parse.Names}
	pipConf      = &kind{"pip", configBytes, true, true, ini("trusted-host", "index-url", "extra-index-url")}
	gitConf      = &kind{"git", configBytes, true, true, ini("sslverify")}
	curlConf     = &kind{"curlrc", configBytes, true, true, switches("insecure", "k")}
	wgetConf     = &kind{"wgetrc", configBytes, true, true, switches("check_certificate", "check-certificate")}
	npmConf      = &kind{"npmrc", configBytes, true, true, switches("strict-ssl")}
	script       = &kind{"script", scriptBytes, true, true, parse.Script}
	privateKey   = &kind{"private-key", keyBytes, true, false, parse.PrivateKeys}
	hostKey      = &kind{"ssh-host-key", keyBytes, true, true, parse.PrivateKeys}
	trust        = &kind{"trust", configBytes, false, true, parse.Trust}
	authorized   = &kind{"authorized-keys", configBytes, false, true, parse.AuthorizedKeys}
	credentials  = &kind{"credentials", configBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Credentials(r, false) }}
	credentialDB = &kind{"credential-lines", configBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Credentials(r, true) }}
	history      = &kind{"history", configBytes, true, true, parse.Lines}
	preload      = &kind{"ld.so.preload", configBytes, false, true, parse.Lines}

	keystore = &kind{name: "keystore"}
	checkout = &kind{name: "checkout"}
	extraCA  = &kind{name: "extra-ca"}
	apkKey   = &kind{name: "apk-key"}
)

func ini(keep ...string) func(io.Reader) ([]plimsoll.ConfigLine, error) {
	return func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Ini(r, keep...) }
}

func switches(keep ...string) func(io.Reader) ([]plimsoll.ConfigLine, error) {
	return func(r io.Reader) ([]plimsoll.ConfigLine, error) { return parse.Switches(r, keep...) }
}

// kindOf says what a file is by its path, nil if no rule reads it. It is asked about every file.
func kindOf(name string) *kind {
	if in, ok := strings.CutPrefix(name, "etc/"); ok {
		if k := inEtc(in); k != nil {
			return k
		}
	}
	if shipped(name) {
		return nil
	}
	slash := strings.LastIndexByte(name, '/')
	if k := byBase(name, name[slash+1:]); k != nil {
		return k
	}
	return byExtension(name, name[slash+1:])
}

// shipped: what packages bring there is documentation, tests and libraries. Keys and scripts
// in it are everybody's.
func shipped(name string) bool {
	for _, dir := range [...]string{"usr/lib", "usr/share/", "usr/include/", "usr/src/", "lib/", "lib64/", "proc/", "sys/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return false
}

func inEtc(name string) *kind {
	switch name {
	case "ssh/sshd_config":
		return sshServer
	case "ssh/ssh_config":
		return sshClient
	case "login.defs":
		return loginDefs
	case "security/pwquality.conf":
		return pwquality
	case "sudoers":
		return sudoers
	case "crontab":
		return crontab
	case "apt/sources.list":
		return aptSources
	case "apt/apt.conf":
		return aptConf
	case "yum.conf", "dnf/dnf.conf":
		return yumConf
	case "apk/repositories":
		return apkSources
	case "pip.conf":
		return pipConf
	case "gitconfig":
		return gitConf
	case "curlrc":
		return curlConf
	case "wgetrc":
		return wgetConf
	case "npmrc":
		return npmConf
	case "profile", "bash.bashrc", "bashrc", "rc.local":
		return script
	case "hosts.equiv", "ssh/shosts.equiv", "shosts.equiv":
		return trust
	case "ld.so.preload":
		return preload
	}
	dir, base := path.Split(name)
	return inEtcFolder(dir, base)
}

func inEtcFolder(dir, base string) *kind {
	switch dir {
	case "ssh/sshd_config.d/":
		return endsIn(base, ".conf", sshServer)
	case "ssh/ssh_config.d/":
		return endsIn(base, ".conf", sshClient)
	case "ssh/":
		if strings.HasPrefix(base, "ssh_host_") {
			return endsIn(base, "_key", hostKey)
		}
	case "pam.d/", "authselect/":
		if !strings.Contains(base, ".") {
			return pam
		}
	case "security/pwquality.conf.d/":
		return endsIn(base, ".conf", pwquality)
	case "sudoers.d/":
		if !strings.ContainsAny(base, ".~") {
			return sudoers
		}
	case "cron.d/":
		return crontab
	case "crontabs/":
		return userCrontab
	case "apt/sources.list.d/":
		if strings.HasSuffix(base, ".list") || strings.HasSuffix(base, ".sources") {
			return aptSources
		}
	case "apt/apt.conf.d/":
		return aptConf
	case "yum.repos.d/":
		return endsIn(base, ".repo", yumConf)
	case "apk/keys/":
		return endsIn(base, ".pub", apkKey)
	case "profile.d/":
		return endsIn(base, ".sh", script)
	case "pki/ca-trust/source/anchors/":
		return extraCA
	}
	return nil
}

func endsIn(base, suffix string, k *kind) *kind {
	if strings.HasSuffix(base, suffix) {
		return k
	}
	return nil
}

func byBase(name, base string) *kind {
	switch base {
	case ".rhosts", ".shosts":
		return trust
	case "authorized_keys", "authorized_keys2":
		return authorized
	case ".netrc", ".pypirc", ".my.cnf":
		return credentials
	case ".npmrc":
		return npmCredentials
	case ".git-credentials", ".pgpass":
		return credentialDB
	case ".bash_history", ".ash_history", ".sh_history", ".zsh_history", ".mysql_history", ".psql_history", ".python_history":
		return history
	case ".curlrc":
		return curlConf
	case ".wgetrc":
		return wgetConf
	case ".gitconfig":
		return gitConf
	case "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519":
		return privateKey
	case ".bashrc", ".bash_profile", ".profile", "entrypoint", "docker-entrypoint":
		return script
	case "pip.conf":
		return pipConf
	case "credentials":
		return endsIn(name, ".aws/credentials", credentials)
	case "config.json":
		return endsIn(name, ".docker/config.json", credentials)
	case "config":
		if strings.HasSuffix(name, ".kube/config") {
			return credentials
		}
		return endsIn(name, ".ssh/config", sshClient)
	case "HEAD":
		return endsIn(name, ".git/HEAD", checkout)
	}
	return nil
}

func byExtension(name, base string) *kind {
	dot := strings.LastIndexByte(base, '.')
	if dot < 0 {
		if strings.HasPrefix(name, "var/spool/cron/") {
			return userCrontab
		}
		return nil
	}
	switch base[dot:] {
	case ".pem", ".key":
		return privateKey
	case ".p12", ".pfx", ".jks", ".keystore":
		return keystore
	case ".sh":
		return script
	case ".crt":
		if strings.HasPrefix(name, "usr/local/share/ca-certificates/") {
			return extraCA
		}
	}
	return nil
}

// npmCredentials reads both what an npmrc switches off and what it gives away.
var npmCredentials = &kind{"npmrc", configBytes, true, true, func(r io.Reader) ([]plimsoll.ConfigLine, error) {
	text, err := io.ReadAll(io.LimitReader(r, configBytes))
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

// guarded reports whether the mode of a path is kept whatever it is.
func guarded(name string) bool {
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
	if shipped(name) {
		return false
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	switch base {
	case "authorized_keys", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".pgpass", ".git-credentials":
		return true
	}
	return strings.HasSuffix(base, ".key") || strings.HasSuffix(base, ".pem")
}
