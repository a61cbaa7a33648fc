package baseline

import (
	"fmt"
	"regexp"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
	"plimsoll/analyze/baseline/parse"
)

const dockerfileReference = "Dockerfile reference"

const buildApplies = " Does not apply to an image without history."

var buildRules = []rule{
	{
		id: "build.add_url", title: "A build step adds a file from the network unchecked", severity: medium,
		description: "Fails for ADD with an address and no --checksum." + buildApplies,
		advice:      "Fetch the file with RUN and check its digest, or use ADD --checksum.",
		references:  []string{cisDocker + "4.9", dockerfileReference}, judge: judgeSteps(judgeAddURL),
	},
	{
		id: "build.fetch_and_run", title: "A build step runs what it downloads", severity: high,
		description: "Fails for a download that is piped into a shell or another interpreter." + buildApplies,
		advice:      "Download to a file, check its digest or signature, then run it.",
		references:  []string{cisDocker + "4.11"}, judge: judgeRunCommands(judgeDownloadAndRun),
	},
	{
		id: "build.chmod_everybody", title: "A build step lets everybody write", severity: medium, protection: true,
		description: "Fails for chmod with write permission for others (777, 666, o+w, a+w) without the sticky bit (1777)." + buildApplies,
		advice:      "Give the files to the user that needs them (COPY --chown, chown), and take the permission for others away.",
		references:  []string{"chmod(1)"}, judge: judgeRunCommands(matchedText(chmodEverybody)),
	},
	{
		id: "build.no_verification", title: "A build step switches certificate checks off", severity: high,
		description: "Fails for curl -k, wget --no-check-certificate, pip --trusted-host, git with http.sslVerify=false, npm with strict-ssl false and NODE_TLS_REJECT_UNAUTHORIZED=0." + buildApplies,
		advice:      "Add the missing certificate authority to the image and remove the switch.",
		references:  []string{cisDocker + "4.11"}, judge: judgeRunCommands(matchedText(noCertificates)),
	},
	{
		id: "build.unsigned_packages", title: "A build step installs packages without checking signatures", severity: high, protection: true,
		description: "Fails for apt --allow-unauthenticated and --force-yes, apk --allow-untrusted, yum and dnf --nogpgcheck, zypper --no-gpg-checks and rpm --nosignature." + buildApplies,
		advice:      "Import the key of the repository and remove the switch.",
		references:  []string{cisDocker + "4.11"}, judge: judgeRunCommands(matchedText(unsignedInstall)),
	},
	{
		id: "build.update_alone", title: "A build step updates package lists and installs nothing", severity: low,
		description: "Fails for apt-get update, apk update or yum makecache in a step that installs and upgrades nothing: later builds reuse the old list from the cache." + buildApplies,
		advice:      "Join update and install in one RUN.",
		references:  []string{cisDocker + "4.7"}, judge: judgeRunCommands(judgeUpdateAlone),
	},
	{
		id: "build.sudo", title: "A build step uses sudo", severity: low,
		description: "Fails for a command that begins with sudo. A build is root already; sudo in an image is a way back to root." + buildApplies,
		advice:      "Use USER to change users within the build file, and leave sudo out of the image.",
		references:  []string{dockerfileReference}, judge: judgeRunCommands(func(c string) string { return strings.TrimLeft(matchedText(sudoCommand)(c), ";&|( ") }),
	},
	{
		id: "build.arg_secret", title: "A build argument seems to be a secret", severity: high, protection: true,
		description: "Fails for ARG with a name such as NPM_TOKEN or DB_PASSWORD. Values of build arguments stand in the history of the image." + buildApplies,
		advice:      "Use a secret mount (RUN --mount=type=secret), then change the secret.",
		references:  []string{cisDocker + "4.10", dockerfileReference}, judge: judgeSteps(judgeSecretArgument),
	},
	{
		id: "build.sets_password", title: "A build step sets a password", severity: high, protection: true,
		description: "Fails for a literal password given to chpasswd, passwd --stdin or useradd -p: every container has it, and the history shows it." + buildApplies,
		advice:      "Leave accounts without password; if one must have it, set it when the container starts.",
		references:  []string{cisDocker + "4.10"}, judge: judgeRunCommands(func(c string) string { return textIf(parse.SetsPassword(c), "a password is set") }),
	},
	{
		id: "build.password_option", title: "A build step has a password on a command line", severity: high, protection: true,
		description: "Fails for a literal password given to sshpass, mysql, curl -u or redis-cli." + buildApplies,
		advice:      "Use a secret mount, then change the password.",
		references:  []string{cisDocker + "4.10"}, judge: judgeRunCommands(func(c string) string {
			program := parse.PasswordInOption(c)
			return textIf(program != "", program+" is given a password")
		}),
	},
	{
		id: "build.address_credentials", title: "A build step has a password in an address", severity: high, protection: true,
		description: "Fails for an address of the form scheme://name:password@host." + buildApplies,
		advice:      "Use a secret mount or a credential helper, then change the password.",
		references:  []string{cisDocker + "4.10"}, judge: judgeRunCommands(judgeAddressPassword),
	},
	{
		id: "build.plain_download", title: "A build step downloads over plain HTTP", severity: medium,
		description: "Fails for curl or wget of an http:// address in a step that checks no digest and no signature. Loopback is not counted." + buildApplies,
		advice:      "Use https, and check the digest.",
		references:  []string{cisDocker + "4.11"}, judge: judgeRunCommands(judgePlainDownload),
	},
	{
		id: "build.ssh_server", title: "A build step installs an SSH server", severity: medium,
		description: "Fails for the installation of openssh-server or dropbear." + buildApplies,
		advice:      "Leave the SSH server out: containers are entered with the tools of the platform.",
		references:  []string{cisDocker + "4.3", cisDocker + "5.7"}, judge: judgeRunCommands(matchedText(sshServerPackage)),
	},
	{
		id: "build.set_uid", title: "A build step makes a program set-uid", severity: medium, protection: true,
		description: "Fails for chmod with u+s or a number of four digits with set-uid. Set-gid is mostly meant for directories and is left to file.setgid_unknown." + buildApplies,
		advice:      "Start the program as the user it needs, or give it the one capability it needs.",
		references:  []string{cisDocker + "4.8"}, judge: judgeRunCommands(matchedText(chmodSetUID)),
	},
	{
		id: "build.copy_key", title: "A build step copies a private key", severity: high,
		description: "Fails for COPY or ADD of files named id_rsa, id_ed25519, *.pem, *.key, *.p12 and the like. Public certificates may have such a name: see key.private." + buildApplies,
		advice:      "Use an SSH or secret mount. What was copied stays in the layer even if a later step deletes it.",
		references:  []string{cisDocker + "4.10"}, judge: judgeSteps(judgeCopiedKey),
	},
	{
		id: "build.copy_everything", title: "A build step copies the whole build context", severity: low,
		description: "Fails for COPY or ADD of \".\": settings, keys and history of a checkout come along unless .dockerignore keeps them out." + buildApplies,
		advice:      "Copy what the image needs by name, and keep a .dockerignore.",
		references:  []string{dockerfileReference}, judge: judgeSteps(judgeCopiedContext),
	},
}

// historyStep is a line of the image history without the text that builders put around it.
type historyStep struct {
	index       int    // from 1
	layer       string // short diff ID of the step's layer; "" = none
	instruction string // RUN, COPY, ADD, ARG, ENV, …
	arguments   string
}

// judgeSteps judges the history step by step. f returns the evidence against a step.
func judgeSteps(f func(historyStep) string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
			var found []string
			layer := 0
			for n, h := range c.History {
				s := historyStep{index: n + 1}
				if !h.Empty {
					if layer < len(c.DiffIDs) {
						s.layer = c.DiffIDs[layer].Short()
					}
					layer++
				}
				s.instruction, s.arguments = splitInstruction(h.CreatedBy)
				if text := f(s); text != "" {
					found = append(found, s.evidence(text))
				}
			}
			return found, len(c.History) > 0
		})
	}
}

func (s historyStep) evidence(text string) string {
	if s.layer == "" {
		return fmt.Sprintf("history %d: %s", s.index, printableText(text))
	}
	return fmt.Sprintf("history %d, layer %s: %s", s.index, s.layer, printableText(text))
}

// judgeRunCommands judges the shell commands of RUN steps.
func judgeRunCommands(f func(string) string) func(analyze.Image) verdict {
	return judgeSteps(func(s historyStep) string {
		if s.instruction != "RUN" {
			return ""
		}
		return f(s.arguments)
	})
}

var buildArguments = regexp.MustCompile(`^\|\d+ .*?(/bin/(?:ba|da|a)?sh -[a-z]*c )`)

// splitInstruction splits a line of the history: the classic builder writes "/bin/sh -c #(nop) COPY …"
// and "/bin/sh -c command", BuildKit "COPY … # buildkit" and "RUN /bin/sh -c command # buildkit".
func splitInstruction(line string) (word, rest string) {
	line = strings.TrimSuffix(strings.TrimSpace(line), " # buildkit")
	if nop, ok := strings.CutPrefix(line, "/bin/sh -c #(nop)"); ok {
		line = strings.TrimSpace(nop)
	} else if command, ok := strings.CutPrefix(line, "/bin/sh -c "); ok {
		return "RUN", command
	}
	word, rest, _ = strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.HasPrefix(word, "|"):
		word, rest = "RUN", line
	case word != "RUN":
		return word, rest
	}
	if m := buildArguments.FindStringIndex(rest); m != nil {
		return word, rest[m[1]:]
	}
	if command, ok := strings.CutPrefix(rest, "/bin/sh -c "); ok {
		return word, command
	}
	return word, rest
}

// textIf returns text if a condition holds, else "".
func textIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// matchedText returns the part of a command that matches a pattern, as evidence. Patterns end
// before anything that could be a secret.
func matchedText(pattern *regexp.Regexp) func(string) string {
	return func(command string) string { return strings.Join(strings.Fields(pattern.FindString(command)), " ") }
}

// commandStart matches the places where a command may begin within a line of shell.
const commandStart = `(?:^|[;&|(\s])`

var (
	chmodEverybody   = regexp.MustCompile(`\bchmod\s+(?:-\w+\s+|--\w+\s+)*(?:[0246]?[0-7]{2}[2367]|[ugo]*[oa][ugo]*\+[rx]*w[rwx]*|\+[rx]*w[rwx]*|[ugo]*[oa][ugo]*=[rx]*w[rwx]*)\b`)
	chmodSetUID      = regexp.MustCompile(`\bchmod\s+(?:-\w+\s+|--\w+\s+)*(?:0?[4-7][0-7]{3}|(?:[go]*[ua][ugoa]*)?\+[rwxX]*s[rwxX]*)\b`)
	noCertificates   = regexp.MustCompile(`\bcurl\b[^|;&]*?\s(?:-[a-zA-Z]*k[a-zA-Z]*|--insecure)\b|\bwget\b[^|;&]*?\s--no-check-certificate\b|\bpip3?\b[^|;&]*?\s--trusted-host\b|http\.sslVerify[ =]"?(?:false|0)|strict-ssl[ =]"?false|NODE_TLS_REJECT_UNAUTHORIZED=["']?0|GIT_SSL_NO_VERIFY=|PYTHONHTTPSVERIFY=["']?0`)
	unsignedInstall  = regexp.MustCompile(`--allow-unauthenticated\b|--force-yes\b|--allow-untrusted\b|--nogpgcheck\b|--no-gpg-checks?\b|--nosignature\b|--nodigest\b|\[trusted=yes\]|gpgcheck=0`)
	sudoCommand      = regexp.MustCompile(`(?:^|[;&|(]\s*)sudo\s+(?:-\w+\s+)*[\w./-]+`)
	sshServerPackage = regexp.MustCompile(`\b(?:install|add)\b[^|;&]*?\s(?:openssh-server|openssh-sftp-server|dropbear|dropbear-bin)(?:[=\s]|$)`)
	updateCommand    = regexp.MustCompile(commandStart + `(?:apt-get|apt|aptitude|apk|yum|dnf|microdnf|zypper)\s+(?:-\S+\s+)*(?:update|makecache|refresh)\b`)
	installCommand   = regexp.MustCompile(`\b(?:install|add|upgrade|dist-upgrade|full-upgrade|build-dep|source|groupinstall|distro-sync)\b|\byum\s+(?:-\S+\s+)*update\b|\bdnf\s+(?:-\S+\s+)*update\b|\bmicrodnf\s+(?:-\S+\s+)*update\b`)
	plainFetch       = regexp.MustCompile(`\b(?:curl|wget)\b[^|;&]*?\shttp://([\w.-]+)`)
	digestChecked    = regexp.MustCompile(`\b(?:sha\d+sum|md5sum|shasum|gpgv?|gpg2|openssl\s+dgst|cosign|minisign|signify)\b`)
	addressSecret    = regexp.MustCompile(`\b([a-z][a-z0-9+.-]*)://[^\s/:@'"]+:([^\s/@'"]+)@([\w.-]+)`)
)

func judgeDownloadAndRun(command string) string {
	return textIf(parse.RunsDownload(command), "a download is piped into an interpreter")
}

func judgeUpdateAlone(command string) string {
	if installCommand.MatchString(command) {
		return ""
	}
	return strings.TrimLeft(matchedText(updateCommand)(command), ";&|( ")
}

func judgePlainDownload(command string) string {
	if digestChecked.MatchString(command) {
		return ""
	}
	for _, m := range plainFetch.FindAllStringSubmatch(command, -1) {
		if host := m[1]; host != "localhost" && !strings.HasPrefix(host, "127.") {
			return "http://" + host
		}
	}
	return ""
}

// judgeAddressPassword finds a password in an address. A shell variable is not a password.
func judgeAddressPassword(command string) string {
	for _, m := range addressSecret.FindAllStringSubmatch(command, -1) {
		if !strings.HasPrefix(m[2], "$") {
			return m[1] + "://…@" + m[3]
		}
	}
	return ""
}

func judgeAddURL(s historyStep) string {
	if s.instruction != "ADD" || strings.Contains(s.arguments, "--checksum=") {
		return ""
	}
	for word := range strings.FieldsSeq(s.arguments) {
		for _, scheme := range [...]string{"http://", "https://", "ftp://"} {
			if address, ok := strings.CutPrefix(word, scheme); ok {
				host, _, _ := strings.Cut(address, "/")
				return "ADD " + scheme + host[strings.LastIndexByte(host, '@')+1:]
			}
		}
	}
	return ""
}

// judgeSecretArgument judges the name of a build argument. The stored history has only the first
// name of an ARG line.
func judgeSecretArgument(s historyStep) string {
	if s.instruction != "ARG" {
		return ""
	}
	name, _, _ := strings.Cut(s.arguments, "=")
	name, _, _ = strings.Cut(name, " ")
	return textIf(isSecretVariable(name), "ARG "+name)
}

// copiedSources returns the sources that a COPY or ADD step takes from the build context.
func copiedSources(s historyStep) []string {
	if s.instruction != "COPY" && s.instruction != "ADD" {
		return nil
	}
	var sources []string
	for word := range strings.FieldsSeq(strings.NewReplacer("[", " ", "]", " ", ",", " ", `"`, " ").Replace(s.arguments)) {
		switch {
		case strings.HasPrefix(word, "--from"):
			return nil // from another stage, not from the build context
		case word == "in":
			return sources // the classic builder writes "sources in target"
		case !strings.HasPrefix(word, "--"):
			sources = append(sources, word)
		}
	}
	if len(sources) > 0 {
		sources = sources[:len(sources)-1]
	}
	return sources
}

func judgeCopiedKey(s historyStep) string {
	for _, source := range copiedSources(s) {
		base := source[strings.LastIndexByte(source, '/')+1:]
		if k := kindByBase(source, base); k == kindPrivateKey {
			return s.instruction + " " + base
		}
		if k := kindByExtension(source, base); k == kindPrivateKey || k == kindKeyStore {
			return s.instruction + " " + base
		}
	}
	return ""
}

func judgeCopiedContext(s historyStep) string {
	for _, source := range copiedSources(s) {
		if source == "." || source == "./" {
			return s.instruction + " " + source
		}
	}
	return ""
}
