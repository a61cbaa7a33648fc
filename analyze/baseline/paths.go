package baseline

import (
	"slices"
	"strings"
)

// scratch reports whether a path is below a directory that everybody may write to by design.
func scratch(path string) bool {
	for _, dir := range [...]string{"tmp/", "var/tmp/", "dev/", "run/lock/", "var/lock/", "run/shm/", "proc/", "sys/", "var/crash/"} {
		if strings.HasPrefix(path, dir) {
			return true
		}
	}
	return false
}

// ordinarySetUID reports whether distributions ship a set-uid program at a path.
func ordinarySetUID(path string) bool {
	path = strings.TrimPrefix(path, "usr/")
	for _, dir := range [...]string{"bin/", "sbin/"} {
		if name, ok := strings.CutPrefix(path, dir); ok {
			return slices.Contains(setUIDPrograms(), name)
		}
	}
	return slices.Contains(setUIDHelpers(), path)
}

// setUIDPrograms are set-uid programs of Debian, Ubuntu, Alpine and the Red Hat family in
// bin or sbin, with and without merged /usr.
func setUIDPrograms() []string {
	return []string{
		"at", "bbsuid", "chage", "chfn", "chsh", "crontab", "doas", "expiry", "fusermount", "fusermount3",
		"gpasswd", "grub2-set-bootflag", "mount", "mount.cifs", "mount.nfs", "newgidmap", "newgrp", "newuidmap",
		"ntfs-3g", "pam_timestamp_check", "passwd", "ping", "ping6", "pkexec", "pppd", "su", "sudo", "sudoedit",
		"traceroute6.iputils", "umount", "unix_chkpwd", "userhelper",
	}
}

// setUIDHelpers are those elsewhere, without a leading usr/.
func setUIDHelpers() []string {
	return []string{
		"lib/dbus-1.0/dbus-daemon-launch-helper", "libexec/dbus-1/dbus-daemon-launch-helper", "lib/dbus-1/dbus-daemon-launch-helper",
		"lib/openssh/ssh-keysign", "libexec/openssh/ssh-keysign", "lib/ssh/ssh-keysign",
		"lib/policykit-1/polkit-agent-helper-1", "lib/polkit-1/polkit-agent-helper-1", "libexec/polkit-agent-helper-1",
		"lib/eject/dmcrypt-get-device", "lib/xorg/Xorg.wrap", "lib/snapd/snap-confine", "libexec/sudo/sesh",
	}
}
