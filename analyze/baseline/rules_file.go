package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const fileApplies = " Does not apply to an image without that file."

var chmodReferences = []string{"chmod(1)"}

var fileRules = []rule{
	{
		id: "file.world_writable", title: "Files can be changed by every user", severity: medium, protection: true,
		description: "Fails if others may write a regular file outside /tmp, /var/tmp, /dev, /run/lock and the like.",
		advice:      "Take the write permission for others away (chmod o-w).", references: chmodReferences, judge: judgeWorldWritableFiles,
	},
	{
		id: "file.setuid_unknown", title: "Set-uid programs that are not part of a distribution", severity: medium, protection: true,
		description: "Fails for a set-uid program that Debian, Ubuntu, Alpine and the Red Hat family do not ship at its place. Does not apply to an image without set-uid programs.",
		advice:      "Take the set-uid bit away (chmod u-s), or remove the program if it is not needed.", references: []string{cisDocker + "4.8"},
		judge: judgePrograms(setUID, func(m plimsoll.FileMode) bool { return !ordinarySetUID(m.Path) }),
	},
	{
		id: "file.setgid_unknown", title: "Set-gid programs that are not part of a distribution", severity: low, protection: true,
		description: "Fails for a set-gid program that Debian, Ubuntu, Alpine and the Red Hat family do not ship at its place. Does not apply to an image without set-gid programs.",
		advice:      "Take the set-gid bit away (chmod g-s), or remove the program if it is not needed.", references: []string{cisDocker + "4.8"},
		judge: judgePrograms(setGID, func(m plimsoll.FileMode) bool { return m.Mode&setUID == 0 && !ordinarySetGID(m.Path) }),
	},
	{
		id: "file.setuid_shell", title: "A shell or interpreter is set-uid", severity: critical, protection: true,
		description: "Fails if a shell, an interpreter, an editor or a tool such as find, cp or tar has the set-uid bit: whoever runs it is its owner. Does not apply to an image without set-uid programs.",
		advice:      "Take the set-uid bit away (chmod u-s).", references: chmodReferences,
		judge: judgePrograms(setUID, func(m plimsoll.FileMode) bool {
			name := m.Path[strings.LastIndexByte(m.Path, '/')+1:]
			return name != "su" && opensShell(name)
		}),
	},
	{
		id: "file.setuid_writable", title: "A set-uid program can be changed by others", severity: critical, protection: true,
		description: "Fails if group or others may write a set-uid program. Does not apply to an image without set-uid programs.",
		advice:      "chmod go-w the program.", references: chmodReferences,
		judge: judgePrograms(setUID, func(m plimsoll.FileMode) bool { return m.Mode&0o022 != 0 }),
	},
	{
		id: "file.open_directory", title: "Everybody can delete and replace files of a directory", severity: medium, protection: true,
		description: "Fails if others may write a directory without the sticky bit, outside /tmp, /var/tmp, /dev and the like.",
		advice:      "Take the write permission for others away, or set the sticky bit (chmod +t).", references: chmodReferences,
		judge: judgeAllModes(func(m plimsoll.FileMode) bool {
			return m.Dir && m.Mode&worldWritable != 0 && m.Mode&sticky == 0 && !isScratchPath(m.Path+"/")
		}),
	},
	{
		id: "file.temporary_directory", title: "Users can delete each other's temporary files", severity: high, protection: true,
		description: "Fails if others may write /tmp, /var/tmp or /dev/shm and the sticky bit is missing.",
		advice:      "chmod 1777 the directory.", references: chmodReferences,
		judge: judgeAllModes(func(m plimsoll.FileMode) bool {
			return m.Dir && m.Mode&worldWritable != 0 && m.Mode&sticky == 0 && slices.Contains([]string{"tmp", "var/tmp", "dev/shm"}, m.Path)
		}),
	},
	{
		id: "file.open_program", title: "Programs can be changed by every user", severity: high, protection: true,
		description: "Fails if others may write a file, or a directory without sticky bit, in bin, sbin, lib and lib64 of /, /usr and /usr/local.",
		advice:      "chmod o-w the files.", references: chmodReferences,
		judge: judgeAllModes(func(m plimsoll.FileMode) bool { return everyoneCanWrite(m) && isBelow(m.Path, programDirs) }),
	},
	{
		id: "file.open_settings", title: "Settings of the system can be changed by every user", severity: high, protection: true,
		description: "Fails if others may write a file, or a directory without sticky bit, in /etc.",
		advice:      "chmod o-w the files.", references: chmodReferences,
		judge: judgeAllModes(func(m plimsoll.FileMode) bool { return everyoneCanWrite(m) && isBelow(m.Path, []string{"etc"}) }),
	},
	{
		id: "file.passwd_mode", title: "The account database can be changed by others", severity: high, protection: true,
		description: "Looks at the permissions and owner of /etc/passwd and /etc/group. Fails if group or others may write, or the owner is not root. Does not apply to an image without them.",
		advice:      "chown root:root and chmod 644 the files.", references: []string{passwdManuals},
		judge: judgeModesAt(isOneOf(PasswdPath, GroupPath), func(m plimsoll.FileMode) bool { return m.Mode&0o022 != 0 || m.UID != 0 }),
	},
	{
		id: "file.shadow_mode", title: "Password hashes can be read by others", severity: high, protection: true,
		description: "Looks at the permissions and owner of /etc/shadow and /etc/gshadow. Fails if others may read or anybody but root may write, or the owner is not root. Does not apply to an image without them.",
		advice:      "chown root:shadow and chmod 640 the files.", references: []string{"shadow(5)"},
		judge: judgeModesAt(isOneOf(ShadowPath, GShadowPath), func(m plimsoll.FileMode) bool { return m.Mode&0o026 != 0 || m.UID != 0 }),
	},
	{
		id: "file.root_home_mode", title: "The home of root can be changed by others", severity: high, protection: true,
		description: "Looks at the permissions of /root. Fails if group or others may write." + fileApplies,
		advice:      "chmod 700 /root.", references: chmodReferences,
		judge: judgeModesAt(isOneOf("root"), func(m plimsoll.FileMode) bool { return m.Mode&0o022 != 0 }),
	},
}

var programDirs = []string{
	"bin", "sbin", "lib", "lib64", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "usr/local/bin", "usr/local/sbin", "usr/local/lib",
}

// everyoneCanWrite reports whether every user may write a file, or replace the files of a directory.
func everyoneCanWrite(m plimsoll.FileMode) bool {
	return m.Mode&worldWritable != 0 && (!m.Dir || m.Mode&sticky == 0)
}

func isBelow(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return path == d || strings.HasPrefix(path, d+"/") })
}

func isOneOf(paths ...string) func(string) bool {
	return func(p string) bool { return slices.Contains(paths, p) }
}

// judgeModesAt judges the files and directories at the paths that selects accepts. The rule does not
// apply if there are none.
func judgeModesAt(selects func(string) bool, bad func(plimsoll.FileMode) bool) func(analyze.Image) verdict {
	return judgeModes(func(m plimsoll.FileMode) bool { return selects(m.Path) }, bad)
}

// judgeAllModes judges every mode. The rule always applies, because modes that are not kept are good.
func judgeAllModes(bad func(plimsoll.FileMode) bool) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		v := judgeModes(bad, bad)(i)
		if v.result == plimsoll.SettingNotApplicable {
			v.result = plimsoll.SettingPass
		}
		return v
	}
}

// judgePrograms judges the files that have a mode bit, set-uid or set-gid.
func judgePrograms(bit uint32, bad func(plimsoll.FileMode) bool) func(analyze.Image) verdict {
	return judgeModes(func(m plimsoll.FileMode) bool { return !m.Dir && m.Mode&bit != 0 }, bad)
}

// judgeModes judges the modes that selects accepts. Modes come from tar headers, so that only a
// failure without a path means that some were not read.
func judgeModes(selects, bad func(plimsoll.FileMode) bool) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		var found []string
		applies := false
		for _, m := range i.Modes {
			if !selects(m) {
				continue
			}
			applies = true
			if bad(m) {
				text := fmt.Sprintf("%04o %s", m.Mode, printableText(m.Path))
				if m.UID != 0 {
					text += fmt.Sprintf(" of user %d", m.UID)
				}
				found = append(found, text)
			}
		}
		return newVerdict(found, failureTexts(i, func(string) bool { return false }), applies)
	}
}

// judgeWorldWritableFiles judges files; directories have other rules.
func judgeWorldWritableFiles(i analyze.Image) verdict {
	return judgeAllModes(func(m plimsoll.FileMode) bool { return !m.Dir && m.Mode&worldWritable != 0 && !isScratchPath(m.Path) })(i)
}

// isScratchPath reports whether a path is below a directory where every user may write by design.
func isScratchPath(path string) bool {
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
			return slices.Contains(setUIDPrograms, name)
		}
	}
	return slices.Contains(setUIDHelpers, path)
}

// setUIDPrograms are the set-uid programs of Debian, Ubuntu, Alpine and the Red Hat family in
// bin or sbin, with and without merged /usr.
var setUIDPrograms = []string{
	"at", "bbsuid", "chage", "chfn", "chsh", "crontab", "doas", "expiry", "fusermount", "fusermount3",
	"gpasswd", "grub2-set-bootflag", "mount", "mount.cifs", "mount.nfs", "newgidmap", "newgrp", "newuidmap",
	"ntfs-3g", "pam_timestamp_check", "passwd", "ping", "ping6", "pkexec", "pppd", "su", "sudo", "sudoedit",
	"traceroute6.iputils", "umount", "unix_chkpwd", "userhelper",
}

// setUIDHelpers are the set-uid programs in other directories, without a leading usr/.
var setUIDHelpers = []string{
	"lib/dbus-1.0/dbus-daemon-launch-helper", "libexec/dbus-1/dbus-daemon-launch-helper", "lib/dbus-1/dbus-daemon-launch-helper",
	"lib/openssh/ssh-keysign", "libexec/openssh/ssh-keysign", "lib/ssh/ssh-keysign",
	"lib/policykit-1/polkit-agent-helper-1", "lib/polkit-1/polkit-agent-helper-1", "libexec/polkit-agent-helper-1",
	"lib/eject/dmcrypt-get-device", "lib/xorg/Xorg.wrap", "lib/snapd/snap-confine", "libexec/sudo/sesh",
}

// ordinarySetGID reports whether distributions ship a set-gid program at a path.
func ordinarySetGID(path string) bool {
	path = strings.TrimPrefix(path, "usr/")
	for _, dir := range [...]string{"bin/", "sbin/"} {
		if name, ok := strings.CutPrefix(path, dir); ok {
			return slices.Contains(setGIDPrograms, name)
		}
	}
	return slices.Contains(setGIDHelpers, path)
}

// setGIDPrograms are the set-gid programs of distributions in bin or sbin.
var setGIDPrograms = []string{
	"bsd-write", "chage", "crontab", "dotlockfile", "expiry", "locate", "mlocate", "netreport", "pam_extrausers_chkpwd", "plocate",
	"postdrop", "postqueue", "screen", "ssh-agent", "unix_chkpwd", "wall", "write", "write.ul", "mail-lock", "mail-touchlock", "mail-unlock", "lockfile",
}

// setGIDHelpers are the set-gid programs in other directories, without a leading usr/.
var setGIDHelpers = []string{
	"libexec/openssh/ssh-keysign",
	"libexec/utempter/utempter", "lib/utempter/utempter", "lib/x86_64-linux-gnu/utempter/utempter",
}
