package baseline

import "plimsoll"

var trustRules = []rule{
	{
		id: "trust.hosts", title: "Other hosts are trusted without a password", severity: high, protection: true,
		description: "Looks at /etc/hosts.equiv, shosts.equiv and at .rhosts and .shosts of any account. Fails if one names a host or user. Does not apply if there is none.",
		advice:      "Delete the files.", references: []string{"hosts.equiv(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string { return textIf(argAt(l, 0) == "host", "a host is trusted") }), kindTrust),
	},
	{
		id: "trust.everybody", title: "Every host is trusted without a password", severity: critical, protection: true,
		description: "Looks at the same files as trust.hosts. Fails if one has the entry \"+\". Does not apply if there is none.",
		advice:      "Delete the files.", references: []string{"hosts.equiv(5)"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string { return textIf(argAt(l, 0) == "everybody", "everybody is trusted") }), kindTrust),
	},
	{
		id: "trust.authorized_keys", title: "Somebody's SSH key opens every container", severity: medium, protection: true,
		description: "Looks at authorized_keys of any account. Fails if it holds a key. Does not apply if there is no such file.",
		advice:      "Hand keys over when the container starts, or leave SSH out.", references: []string{"sshd(8), AUTHORIZED_KEYS FILE FORMAT"},
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string { return "a key of type " + argAt(l, 0) }), kindAuthorizedKeys),
	},
	{
		id: "trust.preload", title: "A library is loaded into every program", severity: high,
		description: "Looks at /etc/ld.so.preload, which rootkits like. Fails if it names a library. Does not apply if there is no such file.",
		advice:      "Delete the file unless you know what it loads.", references: []string{"ld.so(8)"},
		judge: judgeConfigs(judgeLines(func(plimsoll.ConfigLine) string { return "a library is named" }), kindPreload),
	},
}
