package baseline

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"plimsoll"
	"plimsoll/analyze/baseline/crypt"
)

// What a project's own list may cost per image, in the microseconds of crypt.Cost. It is compared
// with stored hashes, outside of scans, so it may cost more than guessing in a layer.
const (
	imageAllowance = 10_000_000
	maxAttemptCost = 1_000_000 // hashes with a hostile cost are not computed
)

// ListedRule returns the rule about a project's own list. It is not one of Checks, because its
// result depends on the project as well as on the image.
func ListedRule() plimsoll.Rule {
	return rule{
		check: weakPasswordCheck, kind: plimsoll.KindWeakPassword,
		id: plimsoll.RuleListedPassword, title: "The password of an account is on the project's list", severity: critical, protection: true,
		description: "Tries the project's own weak passwords against the hashes in /etc/shadow and /etc/passwd, of every stored image whenever the list changes. " +
			"What is spent on one image is bounded; where the bound or another algorithm left passwords untried, or an older scan kept no hashes, the result is \"not looked\" and says so. " +
			"Does not apply if no account has a password, or the project has no list.",
		advice:     "Lock the account or set a long random password, and change it wherever else it is used.",
		references: []string{"crypt(5)"},
	}.Rule()
}

// JudgeListed compares the hashes of an image with the passwords of a project's list. missing is the
// number of accounts with a password whose hash was not kept. The error is that of ctx.
func JudgeListed(ctx context.Context, passwords []string, hashes []plimsoll.AccountHash, missing int) (plimsoll.Setting, error) {
	if len(passwords) == 0 {
		return ListedRule().Setting(plimsoll.SettingNotApplicable), nil
	}
	hashes = slices.Clone(hashes)
	slices.SortStableFunc(hashes, func(a, b plimsoll.AccountHash) int { return cmp.Compare(attemptCost(a), attemptCost(b)) })
	var v verdict
	var unchecked []string
	left := int64(imageAllowance)
	for i, h := range hashes {
		if err := ctx.Err(); err != nil {
			return plimsoll.Setting{}, err
		}
		scheme := string(crypt.Identify(string(h.Hash)))
		g := GuessResult{Unchecked: fmt.Sprintf("one attempt at %s with these parameters costs too much", scheme)}
		if attemptCost(h) <= maxAttemptCost {
			g = Guess(string(h.Hash), ListedCandidates(passwords), left/int64(len(hashes)-i))
		}
		left -= g.Spent
		place := h.Path + ": " + printableText(h.User)
		switch {
		case g.Found:
			w := plimsoll.WeakPassword{User: h.User, Scheme: scheme, Masked: maskPassword(g.Password), Reason: g.Reason, Changed: h.Changed}
			v.passwords = append(v.passwords, w)
			v.evidence = append(v.evidence, fmt.Sprintf("%s has a weak password of %s: %s, %s", place, scheme, printableText(w.Masked), w.Reason))
		case g.Unchecked != "":
			unchecked = append(unchecked, place+": "+printableText(g.Unchecked))
		}
	}
	if missing > 0 {
		unchecked = append(unchecked, fmt.Sprintf("the hashes of %d accounts were not kept; scan the image again if its last scan is old", missing))
	}
	weak := v.passwords
	if v = newVerdict(v.evidence, unchecked, len(hashes) > 0); v.result == plimsoll.SettingFailed {
		v.evidence = append(v.evidence, unchecked...)
	}
	v.passwords = weak
	return v.toSetting(ListedRule()), nil
}

// attemptCost returns the cost of one attempt, 0 for a hash that Guess refuses.
func attemptCost(h plimsoll.AccountHash) int64 {
	cost, _ := crypt.Cost(string(h.Hash)) //nolint:errcheck // Guess reports it
	return cost
}
