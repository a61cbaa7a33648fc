package baseline

import (
	"fmt"
	"slices"
	"strings"

	"plimsoll"
	"plimsoll/analyze"
)

const (
	cisDocker = "CIS Docker Benchmark v1.6.0, section "
	ociConfig = "OCI image specification, Image Configuration"
)

var imageRules = []rule{
	{
		id: "image.user", title: "The image runs as root", severity: medium, protection: true,
		description: "Looks at USER of the image config. Fails if it is absent, root or the number 0. A name other than root may still have user id 0: account.extra_root tells.",
		advice:      "Name a user other than root with USER in the build file, so that a process that is taken over does not own the container.",
		references:  []string{cisDocker + "4.1", ociConfig}, judge: judgeUser,
	},
	{
		id: "image.healthcheck", title: "The image has no health check", severity: low,
		description: "Looks at Healthcheck of the image config. Fails if there is none or it is switched off. Does not apply to an image without a command, which is a base for others.",
		advice:      "Add HEALTHCHECK to the build file, or a probe where the container is deployed.",
		references:  []string{cisDocker + "4.6"}, judge: judgeHealthcheck,
	},
	{
		id: "image.env_secret", title: "A variable of the image seems to hold a secret", severity: high, protection: true,
		description: "Looks at the names of variables in the image config; values are never kept. Fails for names such as DB_PASSWORD, API_KEY or AUTH_TOKEN, not for names that say where a secret is (…_FILE, …_PATH). Does not apply to an image without variables.",
		advice:      "Hand secrets over when the container starts, from a file or a secret store; what ENV sets can be read by whoever can pull the image. Then change the secret.",
		references:  []string{cisDocker + "4.10"}, judge: judgeSecretVariables,
	},
	{
		id: "image.env_no_verification", title: "A variable of the image switches certificate checks off", severity: medium,
		description: "Fails if the image config sets NODE_TLS_REJECT_UNAUTHORIZED, PYTHONHTTPSVERIFY, GIT_SSL_NO_VERIFY or one of their kind. Does not apply to an image without variables.",
		advice:      "Remove the variable and add the certificate authority that is missing instead.",
		references:  []string{ociConfig}, judge: judgeVariables("is set", disablesVerification),
	},
	{
		id: "image.env_preload", title: "A variable of the image loads code into every program", severity: medium,
		description: "Fails if the image config sets LD_PRELOAD, LD_AUDIT or LD_LIBRARY_PATH. Does not apply to an image without variables.",
		advice:      "Set the variable for the one program that needs it, in its start script.",
		references:  []string{"ld.so(8)"}, judge: judgeVariables("is set", isPreloadVariable),
	},
	{
		id: "image.port_ssh", title: "The image offers SSH", severity: medium, protection: true,
		description: "Fails if the image config exposes port 22. Does not apply to an image that exposes no port.",
		advice:      "Take the SSH server out: containers are entered with the tools of the platform, which know who asks.",
		references:  []string{cisDocker + "5.7"}, judge: judgePorts("SSH", "22"),
	},
	{
		id: "image.port_clear", title: "The image offers a service that sends passwords in clear", severity: medium, protection: true,
		description: "Fails if the image config exposes FTP (20, 21), Telnet (23), TFTP (69), the r-services (512 to 514) or VNC (5900). Does not apply to an image that exposes no port.",
		advice:      "Use a protocol that encrypts, or remove the service.",
		references:  []string{ociConfig}, judge: judgePorts("a service without encryption", "20", "21", "23", "69", "512", "513", "514", "5900"),
	},
	{
		id: "image.port_control", title: "The image offers an interface that controls a host or a cluster", severity: high,
		description: "Fails if the image config exposes the Docker daemon (2375, 2376), the kubelet (10250, 10255) or etcd (2379, 2380). Does not apply to an image that exposes no port.",
		advice:      "Bind such an interface to loopback, behind client certificates, or remove it.",
		references:  []string{cisDocker + "2.7"}, judge: judgePorts("an interface of control", "2375", "2376", "10250", "10255", "2379", "2380"),
	},
	{
		id: "image.volume_system", title: "The image declares a system directory as a volume", severity: medium,
		description: "Fails if the image config has a volume at /, /etc, /usr, /bin, /boot, /dev, /lib, /proc, /root, /run, /sbin, /sys or at a socket of a container engine. Does not apply to an image without volumes.",
		advice:      "Declare the directory of the data alone.",
		references:  []string{cisDocker + "5.6", cisDocker + "5.32"}, judge: judgeVolumes,
	},
	{
		id: "image.command_ssh", title: "The image starts an SSH server", severity: medium,
		description: "Fails if entrypoint or command name sshd or dropbear. Does not apply to an image without a command.",
		advice:      "Run the application as the container's process, without an SSH server beside it.",
		references:  []string{cisDocker + "5.7"}, judge: judgeSSHCommand,
	},
	{
		id: "image.base_latest", title: "The image was built from a base without a fixed version", severity: low,
		description: "Looks at the label org.opencontainers.image.base.name. Fails if it names no tag and no digest, or the tag latest. Does not apply without that label.",
		advice:      "Name the base with a version, better with its digest, so that a build can be repeated.",
		references:  []string{cisDocker + "4.2", "OCI image specification, Annotations"}, judge: judgeBaseImage,
	},
}

// judgeImageConfig judges the image config. f returns the evidence, and whether the rule applies.
func judgeImageConfig(i analyze.Image, f func(*plimsoll.ImageConfig) ([]string, bool)) verdict {
	if i.Config == nil {
		return verdict{result: plimsoll.SettingNotLooked, evidence: []string{"the image config was not read"}}
	}
	found, applies := f(i.Config)
	return newVerdict(found, nil, applies)
}

func judgeUser(i analyze.Image) verdict {
	return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
		user, _, _ := strings.Cut(c.User, ":")
		switch user = strings.TrimSpace(user); {
		case user == "":
			return []string{"no USER is set"}, true
		case user == "root", strings.Trim(user, "0") == "":
			return []string{"USER " + printableText(c.User)}, true
		}
		return nil, true
	})
}

func hasCommand(c *plimsoll.ImageConfig) bool { return len(c.Entrypoint)+len(c.Cmd) > 0 }

func judgeHealthcheck(i analyze.Image) verdict {
	return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
		if hasCommand(c) && !c.Healthcheck {
			return []string{"no HEALTHCHECK is set"}, true
		}
		return nil, hasCommand(c)
	})
}

func judgeSecretVariables(i analyze.Image) verdict {
	return judgeVariables("may hold a secret", isSecretVariable)(i)
}

// judgeVariables judges the names of environment variables. The stored config has no values.
func judgeVariables(text string, bad func(string) bool) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
			var found []string
			for _, e := range c.Env {
				if name, _, _ := strings.Cut(e, "="); bad(name) {
					found = append(found, printableText(name)+" "+text)
				}
			}
			return found, len(c.Env) > 0
		})
	}
}

// isSecretVariable reports whether the name of a variable ends as those of secrets do.
func isSecretVariable(name string) bool {
	name = strings.ToUpper(name)
	for _, whole := range [...]string{"PASSWORD", "PASSWD", "SECRET", "TOKEN", "PGPASSWORD", "MYSQL_PWD"} {
		if name == whole {
			return true
		}
	}
	for _, end := range [...]string{
		"_PASSWORD", "_PASSWD", "_PASSPHRASE", "_SECRET", "_TOKEN", "_API_KEY", "_APIKEY", "_SECRET_KEY", "_PRIVATE_KEY",
		"_ACCESS_KEY", "_ENCRYPTION_KEY", "_CREDENTIALS",
	} {
		if strings.HasSuffix(name, end) {
			return name != "GOOGLE_APPLICATION_CREDENTIALS" && !strings.Contains(name, "ALLOW_EMPTY") && !strings.Contains(name, "RANDOM_ROOT")
		}
	}
	return name == "API_KEY" || name == "APIKEY" || name == "AUTH_KEY"
}

func disablesVerification(name string) bool {
	return slices.Contains([]string{
		"NODE_TLS_REJECT_UNAUTHORIZED", "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY", "PIP_TRUSTED_HOST", "PERL_LWP_SSL_VERIFY_HOSTNAME",
		"NPM_CONFIG_STRICT_SSL", "npm_config_strict_ssl", "GOINSECURE", "CURL_INSECURE",
	}, name)
}

func isPreloadVariable(name string) bool {
	return name == "LD_PRELOAD" || name == "LD_AUDIT" || name == "LD_LIBRARY_PATH"
}

func judgePorts(what string, numbers ...string) func(analyze.Image) verdict {
	return func(i analyze.Image) verdict {
		return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
			var found []string
			for _, p := range c.Ports {
				if number, _, _ := strings.Cut(p, "/"); slices.Contains(numbers, number) {
					found = append(found, fmt.Sprintf("port %s: %s", printableText(p), what))
				}
			}
			return found, len(c.Ports) > 0
		})
	}
}

func judgeVolumes(i analyze.Image) verdict {
	return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
		var found []string
		for _, v := range c.Volumes {
			place := "/" + strings.Trim(v, "/")
			system := slices.Contains([]string{"/", "/etc", "/usr", "/bin", "/boot", "/dev", "/lib", "/proc", "/root", "/run", "/sbin", "/sys"}, place)
			if system || strings.HasSuffix(place, "/docker.sock") || strings.HasSuffix(place, "/containerd.sock") || strings.HasSuffix(place, "/crio.sock") {
				found = append(found, "VOLUME "+printableText(v))
			}
		}
		return found, len(c.Volumes) > 0
	})
}

func judgeSSHCommand(i analyze.Image) verdict {
	return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
		for _, word := range slices.Concat(c.Entrypoint, c.Cmd) {
			for part := range strings.FieldsSeq(word) {
				name := part[strings.LastIndexByte(part, '/')+1:]
				if name == "sshd" || name == "dropbear" {
					return []string{printableText(part) + " is started"}, true
				}
			}
		}
		return nil, hasCommand(c)
	})
}

func judgeBaseImage(i analyze.Image) verdict {
	return judgeImageConfig(i, func(c *plimsoll.ImageConfig) ([]string, bool) {
		name := c.Labels["org.opencontainers.image.base.name"]
		if name == "" {
			return nil, false
		}
		last := name[strings.LastIndexByte(name, '/')+1:]
		_, tag, tagged := strings.Cut(last, ":")
		if strings.Contains(last, "@") || c.Labels["org.opencontainers.image.base.digest"] != "" {
			return nil, true
		}
		if !tagged || tag == "latest" {
			return []string{"base " + printableText(name)}, true
		}
		return nil, true
	})
}
