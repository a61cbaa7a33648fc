package baseline

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"plimsoll"
	"plimsoll/analyze/baseline/crypt"
	"plimsoll/analyze/baseline/parse"
)

// What guessing may cost per account database, in the microseconds of crypt.Cost. The cost depends
// on the hashes alone, never on a clock: the same layer gives the same report.
const (
	databaseAllowance  = 1_600_000
	accountAllowance   = 1_000_000
	maxGuessedAccounts = 200
)

// Why a password was guessed.
const (
	reasonEmpty  = "no password"
	reasonName   = "made from the user name"
	reasonCommon = "common password"
	reasonListed = "on the project's list"
)

// guessPasswords compares the hashes of an account database with common passwords and those made
// from the user names, and numbers the sets of accounts with equal hashes. Each account may use an
// equal share of the remaining allowance, so the later ones get what the earlier ones left.
func guessPasswords(file *plimsoll.AccountFile, hashes []parse.Hash) {
	numberEqualHashes(file, hashes)
	left := int64(databaseAllowance)
	done := map[string]int{} // hash and user name → account
	for i, h := range hashes {
		a := &file.Accounts[h.Account]
		key := h.Text + "\x00" + a.Name
		if first, ok := done[key]; ok {
			a.Weak, a.Unchecked = file.Accounts[first].Weak, file.Accounts[first].Unchecked
			continue
		}
		done[key] = h.Account
		if i >= maxGuessedAccounts {
			a.Unchecked = fmt.Sprintf("only the first %d passwords are looked at", maxGuessedAccounts)
			continue
		}
		allowance := min(accountAllowance, left/int64(min(len(hashes), maxGuessedAccounts)-i))
		g := Guess(h.Text, Candidates(a.Name), allowance)
		left -= g.Spent
		a.Unchecked = g.Unchecked
		if g.Found {
			a.Weak = &plimsoll.WeakPassword{User: a.Name, Scheme: a.Scheme, Masked: maskPassword(g.Password), Reason: g.Reason}
			if a.Ageing != nil {
				a.Weak.Changed = max(0, a.Ageing.Changed)
			}
		}
	}
}

// numberEqualHashes sets Account.Same: accounts with the same hash get one number, from 1.
func numberEqualHashes(file *plimsoll.AccountFile, hashes []parse.Hash) {
	first, sets := map[string]int{}, 0
	for _, h := range hashes {
		at, ok := first[h.Text]
		if !ok {
			first[h.Text] = h.Account
			continue
		}
		if file.Accounts[at].Same == 0 {
			sets++
			file.Accounts[at].Same = sets
		}
		file.Accounts[h.Account].Same = file.Accounts[at].Same
	}
}

// Candidate is a password to try.
type Candidate struct {
	Password string
	Reason   string
}

// GuessResult is the result of Guess.
type GuessResult struct {
	Found bool
	Candidate
	Unchecked string // why not every candidate was tried
	Spent     int64  // in the microseconds of crypt.Cost
}

// Guess compares a hash with candidates until the allowance, in the microseconds of crypt.Cost, is
// spent. It is pure: the same hash, candidates and allowance give the same result. Nothing is
// computed for a hash of an unknown scheme, or if one attempt costs more than the allowance.
func Guess(hash string, candidates []Candidate, allowance int64) GuessResult {
	scheme := crypt.Identify(hash)
	if !scheme.Checkable() {
		return GuessResult{Unchecked: fmt.Sprintf("hashes of %s are not checked", scheme)}
	}
	cost, err := crypt.Cost(hash)
	if err != nil {
		return GuessResult{Unchecked: fmt.Sprintf("no valid hash of %s", scheme)}
	}
	most := int(min(allowance/cost, int64(len(candidates))))
	if most == 0 {
		return GuessResult{Unchecked: fmt.Sprintf("one attempt at %s with these parameters costs too much", scheme)}
	}
	for i, c := range candidates[:most] {
		ok, err := crypt.Verify(c.Password, hash)
		if err != nil {
			return GuessResult{Unchecked: fmt.Sprintf("no valid hash of %s", scheme), Spent: cost * int64(i+1)}
		}
		if ok {
			return GuessResult{Found: true, Candidate: c, Spent: cost * int64(i+1)}
		}
	}
	g := GuessResult{Spent: cost * int64(most)}
	if most < len(candidates) {
		g.Unchecked = fmt.Sprintf("%d of %d passwords were tried, more would cost too much with %s", most, len(candidates), scheme)
	}
	return g
}

// Candidates returns the passwords to try for a user: those made from the name and common ones
// alternate, the most frequent first, because a costly hash allows only the first few. The empty
// password is the last.
func Candidates(user string) []Candidate {
	var own []string
	if user != "" && len(user) <= 64 && utf8.ValidString(user) {
		own = nameVariants(user)
	}
	var list []Candidate
	for i, p := range strings.Fields(commonPasswords) {
		if i < len(own) {
			list = append(list, Candidate{own[i], reasonName})
		}
		list = append(list, Candidate{p, reasonCommon})
	}
	return append(list, Candidate{"", reasonEmpty})
}

// ListedCandidates returns the candidates of a project's own list.
func ListedCandidates(passwords []string) []Candidate {
	list := make([]Candidate, 0, len(passwords))
	for _, p := range passwords {
		list = append(list, Candidate{p, reasonListed})
	}
	return list
}

func nameVariants(user string) []string {
	upper := strings.ToUpper(user[:1]) + user[1:]
	reversed := []rune(user)
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	return []string{
		user, user + "123", user + "1", user + "123456", user + "@123", upper, upper + "123", upper + "@123", user + "1234",
		user + "12345", user + "!", user + user, string(reversed), "123" + user, user + "_123", user + "#123", user + "01",
	}
}

// commonPasswords are the passwords that people and default installations use most, the most
// frequent first.
const commonPasswords = `
123456 password 12345678 admin root toor 123456789 12345 1234 qwerty 111111 123123 1234567 changeme admin123 password1
passw0rd P@ssw0rd Password123 P@ssw0rd123 root123 test guest default 1234567890 000000 666666 888888 abc123 letmein
welcome welcome1 secret master qwerty123 1q2w3e4r 1qaz2wsx qwe123 password123 Password1 Admin@123 admin@123 Aa123456
a123456 iloveyou dragon monkey sunshine princess football baseball superman 654321 121212 123321 112233 159753
ubuntu debian centos alpine docker vagrant raspberry oracle postgres mysql tomcat jenkins nginx redis mongodb user
administrator system manager server linux temp temp123 test123 demo pass pass123 passwd sysadmin support service
huawei Huawei@123 Huawei12#$ cisco zabbix calvin supervisor operator public private backup deploy ansible
q1w2e3r4 zaq12wsx asdfgh zxcvbnm trustno1 hunter2 starwars whatever freedom login hello 7777777 987654321
`

// maskPassword replaces the characters of a password by asterisks, except the first and the last of
// a password of six characters or more.
func maskPassword(password string) string {
	runes := []rune(password)
	n := len(runes)
	if n < 6 {
		return strings.Repeat("*", n)
	}
	return string(runes[0]) + strings.Repeat("*", n-2) + string(runes[n-1])
}
