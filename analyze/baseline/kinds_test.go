package baseline

import (
	"testing"

	"plimsoll"
)

func TestKinds(t *testing.T) {
	for path, want := range map[string]*fileKind{
		"etc/ssh/sshd_config": kindSSHServer, "etc/ssh/sshd_config.d/a.conf": kindSSHServer, "etc/ssh/ssh_host_ed25519_key": kindHostKey, "etc/ssh/ssh_host_ed25519_key.pub": nil,
		"etc/pam.d/su": kindPAM, "etc/pam.d/su.rpmnew": nil, "etc/authselect/system-auth": kindPAM, "etc/sudoers.d/ops": kindSudoers, "etc/sudoers.d/README.md": nil, "etc/sudoers.d/x~": nil,
		"etc/cron.d/x": kindCrontab, "etc/crontabs/root": kindUserCrontab, "var/spool/cron/root": kindUserCrontab, "var/spool/cron/crontabs/ann": kindUserCrontab,
		"etc/apt/sources.list.d/a.sources": kindAptSources, "etc/apt/sources.list.d/a.bak": nil, "etc/yum.repos.d/a.repo": kindYumConf, "etc/profile.d/a.csh": nil,
		"home/ann/.ssh/config": kindSSHClient, "home/ann/config": nil, "home/ann/.kube/config": kindCredentials, "root/.npmrc": kindUserNpmrc, "srv/.git/HEAD": kindCheckout, "srv/HEAD": nil,
		"usr/lib/x/tests/key.pem": nil, "usr/share/doc/x.sh": nil, "usr/local/lib/x.pem": kindPrivateKey, "usr/local/bin/entrypoint.sh": kindScript, "srv/a.jks": kindKeyStore,
		"usr/local/share/ca-certificates/a.crt": kindExtraCA, "srv/a.crt": nil, "etc/hosts": nil, "": nil, "etc/": nil, "etc/ssl/private/snake.key": kindPrivateKey,
	} {
		if got := kindOf(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// BenchmarkEntry measures the cost of a file that the analyzer does not want. Most files are such.
func BenchmarkEntry(b *testing.B) {
	r := New().Begin().(*factCollector)
	var out plimsoll.LayerReport
	paths := []string{"usr/lib/x86_64-linux-gnu/libssl.so.3", "usr/share/doc/bash/changelog.Debian.gz", "etc/alternatives/awk", "srv/app/node_modules/left-pad/package.json", "usr/bin/bash"}
	i := 0
	for b.Loop() {
		e := plimsoll.Entry{Path: paths[i%len(paths)], Mode: 0o644, Size: 10}
		r.Entry(e, &out)
		r.Wants(e)
		i++
	}
}
