package secret

import (
	"bytes"
	"slices"
	"strings"
)

// accessRules find passwords and tokens where programs of all kinds use them.
func accessRules() []Rule {
	return []Rule{
		{ID: "jwt", Title: "JSON web token", Severity: medium, literals: []string{"eyJhbGci", "eyJ0eXAi", "eyJraWQi", "eyJ4NXQi", "eyJjdHki", "eyJlbmMi", "eyJqa3Ui"}, right: `(eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{20,})`, entropy: 4, check: isJWT},
		{ID: "url-password", Title: "password in a URL", Severity: high, literals: schemeLiterals(), fold: true, public: "://", left: `(?:^|[^A-Za-z0-9])[A-Za-z0-9+.-]{0,30}`, match: matchUserinfo, kinds: kindSettings | kindSource},
		{ID: "connection-string", Title: "password in a connection string", Severity: high, literals: []string{"password=", "pwd="}, fold: true, left: `(?i)(?:server|host|data source|datasource|user id|uid|user|username|driver|database|dbname|initial catalog)\s{0,2}=[^\n,(]{1,400}[;& ?]`,
			right: `(?i:password|pwd)=\s?([^;"'\s&<,()]{4,100})(?:[;"'\s&<]|$)`, kinds: kindSettings | kindSource, check: isConnectionPassword},
		{ID: "http-basic-auth", Title: "HTTP basic credentials", Severity: high, literals: []string{"basic "}, fold: true, left: `(?i)authorization["']?\s{0,4}[:=,]?\s{0,4}["']?`,
			right: `(?i:basic )([0-9A-Za-z+/]{12,}={0,2})`, check: isBasicAuth},
		{ID: "http-bearer", Title: "HTTP bearer token", Severity: medium, literals: []string{"bearer "}, fold: true, left: `(?i)authorization["']?\s{0,4}[:=,]?\s{0,4}["']?`,
			right: `(?i:bearer )([0-9A-Za-z_.~+/-]{20,}=*)`, entropy: 3.5, check: looksRandom, kinds: kindSettings | kindSource, generic: true},
		{ID: "curl-user", Title: "password on a command line", Severity: high, literals: []string{"curl "}, left: anywhere, right: `curl [^\n|;]{0,200}(?:-u|--user)[ =]?["']?[0-9A-Za-z_.@-]{1,64}:([^\s"'$]{4,100})`, check: isCommandPassword},
		{ID: "sshpass", Title: "password on a command line", Severity: high, literals: []string{"sshpass "}, left: anywhere, right: `sshpass\s{1,4}-p\s{0,4}["']?([^\s"'$]{4,100})`, check: isCommandPassword},
		{ID: "command-password", Title: "password on a command line", Severity: high, literals: []string{"--password", "--passwd", "--db-password", "--admin-password", "--dbpass"}, left: `(?:^|[\s"'\[,])`, kinds: kindSettings,
			right: `--[a-z-]*pass(?:word|wd)?(?:=|\s{1,4}|",\s?")["']?([^\s"'$-][^\s"'$]{5,100})`, check: looksLikePassword, generic: true},
		{ID: "mysql-password", Title: "password on a command line of MySQL", Severity: high, literals: []string{"mysql ", "mysqldump ", "mysqladmin ", "mariadb "}, left: `(?:^|[^A-Za-z])`,
			right: `(?:mysql|mysqldump|mysqladmin|mariadb) [^\n|;]{0,200}?\s-p["']?([^\s"'$-][^\s"'$]{5,100})`, check: isCommandPassword, kinds: kindSettings},
		{ID: "docker-login", Title: "password on a command line of a registry login", Severity: critical, literals: []string{"docker login", "podman login", "buildah login", "skopeo login", "helm registry login", "nerdctl login"}, left: anywhere,
			right: `[a-z ]+login [^\n|;]{0,200}?(?:-p|--password)[ =]["']?([^\s"'$-][^\s"'$]{5,100})`, check: isCommandPassword},
		{ID: "redis-auth", Title: "Redis password", Severity: high, literals: []string{"requirepass", "masterauth"}, left: `(?:^|\n)[ \t]{0,8}`, right: `(?:requirepass|masterauth)\s{1,8}["']?([^\s"'$]{6,200})`, kinds: kindSettings, check: isCommandPassword},
		{ID: "redis-cli-auth", Title: "password on a command line of Redis", Severity: high, literals: []string{"redis-cli "}, left: anywhere, right: `redis-cli [^\n|;]{0,200}?-a ["']?([^\s"'$]{6,200})`, check: isCommandPassword},
		{ID: "pgpassword", Title: "PostgreSQL password", Severity: high, literals: []string{"PGPASSWORD", "MYSQL_PWD", "REDISCLI_AUTH", "SSHPASS", "MYSQL_ROOT_PASSWORD"}, right: `[A-Z_]+["']?\s{0,2}[=:]\s{0,2}["']?([^\s"'$;&]{4,200})`, check: isCommandPassword, kinds: kindSettings},
		{ID: "sudo-password", Title: "password piped into sudo", Severity: high, literals: []string{"| sudo -S", "|sudo -S"}, left: `(?:echo|printf)\s{1,4}(?:-n\s)?["']?([^\s"'$|]{4,64})["']?\s{0,4}`, right: `\|\s?sudo -S`, check: isCommandPassword},
		{ID: "chpasswd", Title: "password piped into chpasswd", Severity: high, literals: []string{"chpasswd"}, left: `(?:echo|printf)\s{1,4}(?:-[ne]\s)?["']?[a-z_][a-z0-9_-]{0,31}:([^\s"'$|]{4,64}?)(?:\\n)?["']?\s{0,4}\|\s{0,4}(?:sudo )?(?:/usr/sbin/)?`, right: `chpasswd` + tokenEnd, check: isCommandPassword},
	}
}

// schemeLiterals returns the last two letters of URL schemes that allow a user and a password, with "://".
func schemeLiterals() []string {
	var out []string
	for _, s := range strings.Fields("http https ftp ssh git postgres postgresql mongodb mongodb+srv redis rediss amqp ldap mqtt mqtts ws wss kafka tcp activemq sqlserver oracle clickhouse elasticsearch cassandra scylla bolt neo4j etcd memcached socks5 socks rsync svn s3 smb rtsp psycopg2 asyncpg mysqldb cockroach snowflake presto trino couchbase pulsar mailto neo4j+s db2 vertica proxy turn webdav afp") {
		text := s[len(s)-2:] + "://"
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// matchUserinfo accepts "ss://user:password@host", where "ss" are the last two letters of the scheme (RFC 3986, section
// 3.2.1).
func matchUserinfo(c *candidate) (from, to int, ok bool) {
	rest := c.after[len("ss://"):]
	rest = rest[:min(len(rest), 300)]
	at := bytes.IndexAny(rest, "@ \t\r\n\"'<>`|\\,")
	if at < 0 || rest[at] != '@' {
		return 0, 0, false
	}
	colon := bytes.IndexByte(rest[:at], ':')
	if colon < 0 || bytes.ContainsAny(rest[:colon], "/?#") {
		return 0, 0, false
	}
	user, pass := bytes.ToLower(rest[:colon]), rest[colon+1:at]
	host := rest[at+1:]
	host = host[:hostEnd(host)]
	switch {
	case len(pass) < 4 || len(host) < 2 || bytes.ContainsAny(pass, "${}[]()") || bytes.Contains(pass, []byte("***")) || bytes.HasPrefix(pass, []byte("%s")) || bytes.HasPrefix(pass, []byte(":")):
		return 0, 0, false
	case placeholderWords[string(bytes.ToLower(pass))] || isSample(pass) || bytes.Equal(bytes.ToLower(pass), user) || documentHost(host):
		return 0, 0, false
	case c.kind == kindSource && (countClasses(pass).digit == 0 || byteEntropy(pass) < 2.8 || localHost(host)):
		return 0, 0, false
	case c.kind == kindSettings && byteEntropy(pass) < 1.9:
		return 0, 0, false
	}
	from = len("ss://") + colon + 1
	return from, from + len(pass), true
}

func hostEnd(host []byte) int {
	for i, b := range host {
		if !isWordByte(b) && b != '.' && b != '[' && b != ']' {
			return i
		}
	}
	return len(host)
}

// documentHost reports whether a host is an example name (RFC 2606).
func documentHost(host []byte) bool {
	host = bytes.ToLower(host)
	for _, suffix := range []string{"example.com", "example.org", "example.net", ".example", "example", ".test", ".invalid", "domain.tld", "domain.com", "yourdomain.com", "mydomain.com"} {
		if bytes.HasSuffix(host, []byte(suffix)) {
			return true
		}
	}
	return false
}

func localHost(host []byte) bool {
	return bytes.Equal(host, []byte("localhost")) || bytes.HasPrefix(host, []byte("127.0.0.")) || placeholderWords[string(host)] || !bytes.ContainsAny(host, ".")
}

// isCommandPassword accepts a possible password at a position where only a password can be.
func isCommandPassword(value []byte) bool {
	return !isReference(value) && !placeholderWords[string(bytes.ToLower(value))] && !isSample(value) && byteEntropy(value) >= 1.9
}

// isConnectionPassword accepts a possible password of a connection string.
func isConnectionPassword(value []byte) bool {
	s := countClasses(value)
	return isCommandPassword(value) && s.distinct() >= 2 && !identifierRE.Match(value)
}
