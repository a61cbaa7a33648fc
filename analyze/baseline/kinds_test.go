package baseline

import (
	"testing"

	"plimsoll"
)

func TestKinds(t *testing.T) {
	for path, want := range map[string]*kind{
		"etc/ssh/sshd_config": sshServer, "etc/ssh/sshd_config.d/a.conf": sshServer, "etc/ssh/ssh_host_ed25519_key": hostKey, "etc/ssh/ssh_host_ed25519_key.pub": nil,
		"etc/pam.d/su": pam, "etc/pam.d/su.rpmnew": nil, "etc/authselect/system-auth": pam, "etc/sudoers.d/ops": sudoers, "etc/sudoers.d/README.md": nil, "etc/sudoers.d/x~": nil,
		"etc/cron.d/x": crontab, "etc/crontabs/root": userCrontab, "var/spool/cron/root": userCrontab, "var/spool/cron/crontabs/ann": userCrontab,
		"etc/apt/sources.list.d/a.sources": aptSources, "etc/apt/sources.list.d/a.bak": nil, "etc/yum.repos.d/a.repo": yumConf, "etc/profile.d/a.csh": nil,
		"home/ann/.ssh/config": sshClient, "home/ann/config": nil, "home/ann/.kube/config": credentials, "root/.npmrc": npmCredentials, "srv/.git/HEAD": checkout, "srv/HEAD": nil,
		"usr/lib/x/tests/key.pem": nil, "usr/share/doc/x.sh": nil, "usr/local/lib/x.pem": privateKey, "usr/local/bin/entrypoint.sh": script, "srv/a.jks": keystore,
		"usr/local/share/ca-certificates/a.crt": extraCA, "srv/a.crt": nil, "etc/hosts": nil, "": nil, "etc/": nil, "etc/ssl/private/snake.key": privateKey,
	} {
		if got := kindOf(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// BenchmarkEntry is what the analyzer costs of a file it has no interest in, which is nearly every one.
func BenchmarkEntry(b *testing.B) {
	r := New().Begin().(*run)
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
