package main

import (
	"bufio"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll"
	"plimsoll/app"
)

// budgetFlags lets an operator move the bounds of a scan that real images may meet.
func (a *application) budgetFlags(cmd *cobra.Command) {
	if a.budget == (plimsoll.Budget{}) {
		a.budget = plimsoll.DefaultBudget()
	}
	f := cmd.Flags()
	f.Var((*size)(&a.budget.ImageUnpacked), "max-unpacked", "decompressed bytes of all layers of an image, e.g. 40GiB")
	f.Var((*size)(&a.budget.WantedFile), "max-file", "bytes of a file that is analysed, e.g. 256MiB")
	f.IntVar(&a.budget.LayerEntries, "max-entries", a.budget.LayerEntries, "entries of one layer")
	f.Int64Var(&a.budget.Ratio, "max-ratio", a.budget.Ratio, "decompressed to compressed bytes of a layer, beyond its first GiB")
	f.IntVar(&a.budget.Layers, "max-layers", a.budget.Layers, "layers of an image")
	f.DurationVar(&a.budget.Stall, "stall", a.budget.Stall, "give up on a source that sends no byte for this long")
}

// limits are the budget after the flags.
func (a *application) limits() plimsoll.Budget {
	if a.budget == (plimsoll.Budget{}) {
		return plimsoll.DefaultBudget()
	}
	return a.budget
}

func (a *application) staleFlag(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&a.staleAfter, "stale-after", app.DefaultConfig().StaleAfter, "age from which advisories count as stale; 0 = never")
}

// declaredFlag lets an operator count what only a lock file names.
func (a *application) declaredFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&a.countDeclared, "count-declared", false, "count packages that only a lock file names like installed ones; acts on images when they are scanned")
}

func (a *application) rulesFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.rules, "rules", "", "folder of rules for malware: YARA, ClamAV, lists of sums (default: rules in the data directory, if it is there)")
}

func (a *application) clamdFlags(cmd *cobra.Command) {
	if a.clamdMaxFile == 0 {
		a.clamdMaxFile = size(app.DefaultConfig().ClamdMaxFile)
	}
	f := cmd.Flags()
	f.StringVar(&a.clamd, "clamd", "", "daemon of ClamAV that is asked about malware too: unix:/run/clamav/clamd.ctl or tcp://127.0.0.1:3310")
	f.Var(&a.clamdMaxFile, "clamd-max-file", "bytes of the largest file that clamd is shown: the least of StreamMaxLength and MaxFileSize in its clamd.conf")
}

// feedOptions are the flags of feeds that are read from the network.
type feedOptions struct {
	feeds, from []string
}

func (o *feedOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.feeds, "feeds", nil, "feed to keep current: an ecosystem of OSV (Debian), kev, epss, malicious-packages, or NAME=ADDRESS of a zip (repeatable)")
	f.StringSliceVar(&o.from, "feeds-from", nil, "address or folder that ecosystems are read from, in this order (repeatable; default: the public bucket of OSV)")
}

// accessOptions are the flags of one registry that a command reads or writes itself.
type accessOptions struct {
	username      string
	passwordStdin bool
	plainHTTP     bool
}

func (o *accessOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.username, "username", "", "registry user")
	f.BoolVar(&o.passwordStdin, "password-stdin", false, "read the registry secret from standard input")
	f.BoolVar(&o.plainHTTP, "plain-http", false, "speak HTTP without TLS to the registry (default for loopback addresses)")
}

// registryAccess reads the secret that the flags ask for.
func (a *application) registryAccess(o accessOptions) (app.RegistryAccess, error) {
	secret, err := a.readSecret(o.passwordStdin)
	return app.RegistryAccess{Username: o.username, Secret: secret, PlainHTTP: o.plainHTTP}, err
}

const maxSecret = 64 << 10

// readSecret reads a secret from standard input if asked to: it is never a command line argument.
func (a *application) readSecret(fromStdin bool) (string, error) {
	if !fromStdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(a.in, maxSecret+1)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", plimsoll.Errorf(plimsoll.Invalid, "read the secret from standard input: %w", err)
	}
	if len(line) > maxSecret {
		return "", plimsoll.Errorf(plimsoll.TooLarge, "the secret on standard input is longer than %d bytes", maxSecret)
	}
	secret := strings.TrimRight(line, "\r\n")
	if secret == "" {
		return "", plimsoll.Errorf(plimsoll.Invalid, "standard input holds no secret")
	}
	return secret, nil
}

// size is a number of bytes with an optional unit as a flag.
type size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {"", 1}}

// Set reads "40GiB", "500MB" or a plain number of bytes.
func (s *size) Set(text string) error {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(strings.TrimSpace(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/unit.bytes {
			break
		}
		*s = size(n * unit.bytes)
		return nil
	}
	return plimsoll.Errorf(plimsoll.Invalid, "%.40q is not a size like 40GiB, 500MB or 1048576", text)
}

// String writes the largest unit that divides the size.
func (s *size) String() string {
	for _, unit := range sizeUnits[:3] {
		if *s > 0 && int64(*s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(*s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type names the value in help texts.
func (s *size) Type() string { return "size" }
