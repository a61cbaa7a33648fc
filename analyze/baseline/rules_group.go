package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const groupApplies = " Does not apply to an image without that file."

var groupRules = []rule{
	{
		id: "group.duplicate_gid", title: "Groups share a group id", severity: medium, protection: true,
		description: "Looks at /etc/group. Fails if two groups have one id." + groupApplies,
		advice:      "Give each group an id of its own.",
		references:  []string{"group(5)"}, judge: judgeDuplicateGroups("group id", func(g plimsoll.Group) string { return fmt.Sprint(g.GID) }),
	},
	{
		id: "group.duplicate_name", title: "A group is listed twice", severity: medium, protection: true,
		description: "Looks at /etc/group. Fails if a name occurs twice." + groupApplies,
		advice:      "Join the lines.",
		references:  []string{"group(5)"}, judge: judgeDuplicateGroups("name", func(g plimsoll.Group) string { return g.Name }),
	},
	{
		id: "group.privileged_members", title: "An account is a member of a group that amounts to root", severity: medium, protection: true,
		description: "Looks at the groups root, wheel, sudo, admin, disk, kmem, docker, lxd and libvirt in /etc/group. Fails if one has a member other than root." + groupApplies,
		advice:      "Take the account out of the group.",
		references:  []string{"group(5)"}, judge: judgePrivilegedMembers("root", "wheel", "sudo", "admin", "disk", "kmem", "docker", "lxd", "libvirt"),
	},
	{
		id: "group.shadow_members", title: "The group shadow has members", severity: medium, protection: true,
		description: "Looks at /etc/group. Fails if the group shadow, which can read password hashes, has a member or is the group of an account." + groupApplies,
		advice:      "Take the account out of the group.",
		references:  []string{"group(5)", "shadow(5)"}, judge: judgeShadowMembers,
	},
	{
		id: "group.password", title: "A group has a password", severity: low, protection: true,
		description: "Looks at /etc/group and /etc/gshadow. Fails if a password lets others join: it is shared by its nature." + groupApplies,
		advice:      "Remove the password (gpasswd -r) and name the members.",
		references:  []string{"gshadow(5)"}, judge: judgeGroupPasswords,
	},
}

func judgeGroups(i analyze.Image, f func([]plimsoll.Group) []string) verdict {
	return judgeAccountFiles(i, []string{GroupPath}, []string{GroupPath}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		return f(files[GroupPath].Groups), true
	})
}

func judgeDuplicateGroups(what string, key func(plimsoll.Group) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeGroups(i, func(groups []plimsoll.Group) []string {
			names := map[string][]string{}
			var order []string
			for _, g := range groups {
				k := key(g)
				if names[k] == nil {
					order = append(order, k)
				}
				if len(names[k]) < maxEvidence {
					names[k] = append(names[k], printableText(g.Name))
				}
			}
			var found []string
			for _, k := range order {
				if len(names[k]) > 1 {
					found = append(found, fmt.Sprintf("%s: %s %s is that of %s", GroupPath, what, printableText(k), strings.Join(names[k], ", ")))
				}
			}
			return found
		})
	}
}

func judgePrivilegedMembers(privileged ...string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeGroups(i, func(groups []plimsoll.Group) []string {
			var found []string
			for _, g := range groups {
				if g.GID != 0 && !slices.Contains(privileged, g.Name) {
					continue
				}
				for _, m := range g.Members {
					if m != "root" {
						found = append(found, fmt.Sprintf("%s: %s is a member of %s", GroupPath, printableText(m), printableText(g.Name)))
					}
				}
			}
			return found
		})
	}
}

func judgeShadowMembers(i analyze.Image) verdict {
	return judgeAccountFiles(i, []string{GroupPath}, []string{GroupPath, PasswdPath}, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		at := slices.IndexFunc(files[GroupPath].Groups, func(g plimsoll.Group) bool { return g.Name == "shadow" })
		if at < 0 {
			return nil, true
		}
		g := files[GroupPath].Groups[at]
		var found []string
		for _, m := range g.Members {
			found = append(found, fmt.Sprintf("%s: %s is a member of shadow", GroupPath, printableText(m)))
		}
		for _, a := range files[PasswdPath].Accounts {
			if a.GID == g.GID {
				found = append(found, fmt.Sprintf("%s: %s has the group shadow", PasswdPath, printableText(a.Name)))
			}
		}
		return found, true
	})
}

func judgeGroupPasswords(i analyze.Image) verdict {
	paths := []string{GroupPath, GShadowPath}
	return judgeAccountFiles(i, nil, paths, func(files map[string]plimsoll.AccountFile) ([]string, bool) {
		var found []string
		for _, path := range paths {
			for _, g := range files[path].Groups {
				if g.Password {
					found = append(found, fmt.Sprintf("%s: %s has a password", path, printableText(g.Name)))
				}
			}
		}
		return found, true
	})
}
