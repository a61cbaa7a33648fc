package secret

// fileRules find credentials in files whose purpose is to contain them.
func fileRules() []Rule {
	dockerConfig := []string{".docker/config.json", "config.json", ".dockerconfigjson", ".dockercfg", "auth.json", "containers/auth.json", "dockerconfig*.json"}
	kube := []string{"*kubeconfig*", "*.kubeconfig", ".kube/config", "admin.conf", "kubelet.conf", "controller-manager.conf", "scheduler.conf", "k3s.yaml"}
	return []Rule{
		{ID: "netrc", Title: "password in .netrc", Severity: critical, names: []string{".netrc", "_netrc", "netrc"}, lines: `\bpassword\s+(\S{3,})`, check: isPlainWord},
		{ID: "pypirc", Title: "password in .pypirc", Severity: critical, names: []string{".pypirc", "pypirc"}, lines: `^\s*password\s*[:=]\s*(\S{4,})`, check: isPlainWord},
		{ID: "git-credentials", Title: "password in git's credential store", Severity: critical, names: []string{".git-credentials", "git-credentials", "git/credentials"}, lines: `^https?://[^:/@\s]*:([^@\s]{3,})@`, check: isPlainWord},
		{ID: "git-config-credential", Title: "credential in git settings", Severity: high, names: []string{".git/config", ".gitconfig"}, lines: `(?i)extraheader\s*=\s*"?authorization:\s*(?:basic|bearer)\s+(\S{8,})`},
		{ID: "pgpass", Title: "password in .pgpass", Severity: critical, names: []string{".pgpass", "pgpass", "pgpass.conf"}, lines: `^(?:[^#:\\\s]|\\.)+:(?:[0-9]+|\*):(?:[^:\\]|\\.)+:(?:[^:\\]|\\.)+:(\S{1,})\s*$`, check: isPlainWord},
		{ID: "mysql-options", Title: "password in MySQL's option file", Severity: critical, names: []string{".my.cnf", "my.cnf", "*.my.cnf", "client.cnf", "debian.cnf"}, lines: `^\s*password\s*=\s*["']?([^\s"'#]{3,})`, check: isPlainWord},
		{ID: "docker-config-auth", Title: "registry credential in Docker's settings", Severity: critical, literals: []string{`"auth"`}, left: anywhere, names: dockerConfig,
			right: `"auth"\s{0,8}:\s{0,8}"([0-9A-Za-z+/_-]{8,}={0,2})"`, check: isBasicAuth},
		{ID: "docker-config-token", Title: "registry token in Docker's settings", Severity: critical, literals: []string{`"identitytoken"`, `"registrytoken"`}, left: anywhere, names: dockerConfig,
			right: `"(?:identity|registry)token"\s{0,8}:\s{0,8}"([^"\s]{16,})"`, entropy: 3},
		{ID: "kubeconfig-key", Title: "client key of a Kubernetes user", Severity: critical, literals: []string{"client-key-data"}, left: anywhere, right: `client-key-data["']?:\s{0,4}["']?([0-9A-Za-z+/]{100,}={0,2})`, entropy: 4},
		{ID: "kubeconfig-token", Title: "token of a Kubernetes user", Severity: critical, names: kube, lines: `^\s*(?:token|password|id-token|access-token)["']?:\s*["']?([0-9A-Za-z_.+/=-]{12,})`, check: isPlainWord},
		{ID: "kubernetes-service-token", Title: "service account token of a pod", Severity: high, names: []string{"serviceaccount/token"}, lines: `^(eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+)`},
		{ID: "htpasswd", Title: "password hash for a web server", Severity: medium, names: []string{".htpasswd", "htpasswd", "*.htpasswd", "htpasswd.users"}, lines: `^[^:\s#]{1,64}:(\$apr1\$[^:\s]+|\$2[abxy]?\$[^:\s]+|\$[156]\$[^:\s]+|\{SHA\}[0-9A-Za-z+/=]{28}|[./0-9A-Za-z]{13})\s*(?::|$)`},
		{ID: "shell-history-export", Title: "credential in a shell's history", Severity: high, names: []string{".*_history", "*_history"}, lines: `(?i)\b(?:export\s+|set\s+-x\s+|setenv\s+)?[A-Z_]*(?:PASS|PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY)[A-Z_]*[= ]["']?([^\s"'$;|&<>()]{6,})`, check: looksLikePassword, generic: true},
		{ID: "aws-credentials-file", Title: "secret key in AWS settings", Severity: critical, names: []string{".aws/credentials", ".aws/config", ".boto", ".s3cfg"}, lines: `^\s*(?:aws_secret_access_key|secret_key)\s*=\s*(\S{20,})`, entropy: 3.5},
		{ID: "rclone-config", Title: "password in rclone's settings", Severity: high, names: []string{"rclone.conf"}, lines: `^\s*(?:pass|password|secret_access_key|client_secret|token|key)\s*=\s*(\S.{7,})`, check: isPlainWord},
		{ID: "filezilla-password", Title: "password in FileZilla's settings", Severity: high, names: []string{"sitemanager.xml", "recentservers.xml", "filezilla.xml"}, lines: `<Pass(?: encoding="base64")?>([^<]{3,})</Pass>`},
		{ID: "maven-settings", Title: "password in Maven's settings", Severity: high, names: []string{"settings.xml", ".m2/settings.xml", "settings-security.xml"}, lines: `<(?:password|passphrase|master)>([^<$]{4,})</`, check: isConnectionPassword},
		{ID: "tomcat-users", Title: "password in Tomcat's users", Severity: high, names: []string{"tomcat-users.xml"}, lines: `<user [^>]*password="([^"$]{3,})"`, check: isPlainWord},
		{ID: "php-define", Title: "password in PHP settings", Severity: high, names: []string{"*.php"}, lines: `(?i)define\(\s*['"][A-Z_]*(?:PASSWORD|_PASS|_PWD|_KEY|_SALT|SECRET)['"]\s*,\s*['"]([^'"]{4,})['"]`, check: looksLikePassword},
		{ID: "composer-auth", Title: "credential in Composer's settings", Severity: critical, names: []string{"auth.json"}, lines: `"(?:password|token|github\.com|gitlab\.com|gitlab-token)"\s*:\s*"([^"]{6,})"`, check: isPlainWord},
		{ID: "nuget-config", Title: "password in NuGet's settings", Severity: high, names: []string{"nuget.config"}, lines: `(?i)key="(?:ClearText)?Password"\s+value="([^"%]{4,})"`, check: isPlainWord},
		{ID: "rails-master-key", Title: "master key of a Rails application", Severity: critical, names: []string{"config/master.key", "credentials/production.key", "credentials/staging.key", "credentials/development.key", "master.key"}, lines: `^([0-9a-f]{32})\s*$`, entropy: 3},
		{ID: "gem-credentials", Title: "credential for a gem server", Severity: critical, names: []string{".gem/credentials", ".bundle/config"}, lines: `^\s*(?::[a-z_]+|BUNDLE_[A-Z0-9_]+):\s*["']?([^\s"']{12,})`, entropy: 3.3, check: looksRandom},
		{ID: "cargo-credentials", Title: "token for a crate registry", Severity: critical, names: []string{".cargo/credentials", ".cargo/credentials.toml"}, lines: `^\s*token\s*=\s*"([^"]{12,})"`, check: isPlainWord},
		{ID: "gradle-credential", Title: "credential in Gradle's settings", Severity: high, names: []string{"gradle.properties"}, lines: `(?i)^[a-z0-9_.]*(?:password|token|secret)\s*=\s*(\S{6,})`, check: looksLikePassword},
		{ID: "ldap-secret", Title: "bind password of an LDAP client", Severity: high, names: []string{"ldap.conf", "sssd.conf", "nslcd.conf", "pam_ldap.conf", "ldap.secret"}, lines: `^\s*(?:bindpw|rootbindpw|ldap_default_authtok|rootpwmodpw)\s*=?\s*(\S{4,})`, check: isPlainWord},
		{ID: "ppp-secrets", Title: "password of a PPP account", Severity: high, names: []string{"chap-secrets", "pap-secrets"}, lines: `^\s*["']?[^#\s"']+["']?\s+\S+\s+["']?([^\s"'*]{4,})`, check: isPlainWord},
		{ID: "samba-credentials", Title: "password for a network share", Severity: high, names: []string{".smbcredentials", "smbcredentials", "*.smbcred"}, lines: `^\s*password\s*=\s*(\S{3,})`, check: isPlainWord},
		{ID: "wpa-passphrase", Title: "passphrase of a wireless network", Severity: medium, names: []string{"wpa_supplicant*.conf"}, lines: `^\s*(?:psk|password)\s*=\s*"?([^"\s#]{8,})`, check: isPlainWord},
	}
}

// isPlainWord accepts everything but references and samples, because the purpose of the file is to contain secrets.
func isPlainWord(value []byte) bool {
	return !isReference(value) && !isSample(value) && !placeholderWords[lowerString(value)]
}
