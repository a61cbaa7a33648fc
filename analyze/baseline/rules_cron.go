package baseline

import (
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const cronApplies = " Looks at /etc/crontab, /etc/cron.d, /etc/crontabs and /var/spool/cron. Does not apply to an image without jobs."

var cronReferences = []string{"crontab(5)"}

var cronRules = []rule{
	{
		id: "cron.open_command", title: "A job runs what everybody can change", severity: high, protection: true,
		description: "Fails if a job names a file in /tmp, /var/tmp or /dev/shm, or one that others may write." + cronApplies,
		advice:      "Move the program to a directory that only root can write.", references: cronReferences, judge: judgeJobFiles,
	},
	{
		id: "cron.download", title: "A job runs what it downloads", severity: high,
		description: "Fails if a job pipes a download into an interpreter, as miners do." + cronApplies,
		advice:      "Remove the job, or put the program into the image.", references: cronReferences,
		judge: judgeJobs(func(l plimsoll.ConfigLine) string {
			return textIf(l.Args[len(l.Args)-1] == "download", "a download is run")
		}),
	},
	{
		id: "cron.search_path", title: "A table of jobs looks for programs where it stands", severity: medium,
		description: "Fails if a table sets PATH with an entry that is not absolute." + cronApplies,
		advice:      "Use absolute directories in PATH.", references: cronReferences,
		judge: judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
			if l.Key != "env" || argAt(l, 0) != "PATH" {
				return ""
			}
			for entry := range strings.SplitSeq(argAt(l, 1), ":") {
				if !strings.HasPrefix(entry, "/") {
					return "PATH has an entry that is not absolute"
				}
			}
			return ""
		}), kindCrontab, kindUserCrontab),
	},
	{
		id: "cron.file_mode", title: "Jobs can be changed by others", severity: high, protection: true,
		description: "Looks at the permissions of /etc/crontab, the files and directories /etc/cron.*, /etc/crontabs and /var/spool/cron. Fails if others may write one without sticky bit. Does not apply if there is none.",
		advice:      "chmod o-w the file.", references: cronReferences,
		judge: judgeModesAt(func(p string) bool {
			return p == "etc/crontab" || strings.HasPrefix(p, "etc/cron.") || strings.HasPrefix(p, "etc/crontabs/") || strings.HasPrefix(p, "var/spool/cron")
		}, func(m plimsoll.FileMode) bool { return m.Mode&worldWritable != 0 && m.Mode&sticky == 0 }),
	},
}

func judgeJobs(f func(plimsoll.ConfigLine) string) func(analyze.Image) verdict {
	return judgeConfigs(judgeLines(func(l plimsoll.ConfigLine) string {
		if l.Key != "job" || len(l.Args) == 0 {
			return ""
		}
		return f(l)
	}), kindCrontab, kindUserCrontab)
}

func judgeJobFiles(i analyze.Image) verdict {
	writable := map[string]bool{}
	for _, m := range i.Modes {
		writable["/"+m.Path] = everyoneCanWrite(m)
	}
	return judgeJobs(func(l plimsoll.ConfigLine) string {
		for _, path := range l.Args {
			if writable[path] && path != "/dev/null" {
				return path + " can be changed by everybody"
			}
			for _, dir := range [...]string{"/tmp/", "/var/tmp/", "/dev/shm/"} {
				if strings.HasPrefix(path, dir) {
					return path + " is in a directory of everybody"
				}
			}
		}
		return ""
	})(i)
}
