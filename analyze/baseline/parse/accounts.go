package parse

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"

	"plimsoll"
	"plimsoll/analyze/baseline/crypt"
)

// Limits of account databases.
const (
	maxAccountLine = 4096 // bytes; a group with many members may be longer
	maxGroupLine   = 64 << 10
	maxAccounts    = 100_000
	maxMembers     = 1000 // per group
)

// Hash is the password hash of an account.
type Hash struct {
	Account int // index in AccountFile.Accounts
	Text    string
}

// Passwd reads passwd(5). It skips malformed lines and returns an error about them after the last
// line. It skips comments and empty lines, and counts lines of a network service ("+", "-").
func Passwd(r io.Reader) (plimsoll.AccountFile, []Hash, error) {
	return readAccounts(r, func(fields []string) (plimsoll.Account, string, bool) {
		if len(fields) != 7 {
			return plimsoll.Account{}, "", false
		}
		uid, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			return plimsoll.Account{}, "", false
		}
		gid, err := strconv.ParseUint(fields[3], 10, 32)
		if err != nil {
			return plimsoll.Account{}, "", false
		}
		return plimsoll.Account{
			UID: int64(uid), GID: int64(gid), Home: Truncate(fields[5]), Shell: Truncate(fields[6]), EmptyPassword: fields[1] == "",
		}, fields[1], true
	})
}

// Shadow reads shadow(5). Accounts contain the algorithm of field 2 and whether it is empty; the hashes
// are returned apart.
func Shadow(r io.Reader) (plimsoll.AccountFile, []Hash, error) {
	return readAccounts(r, func(fields []string) (plimsoll.Account, string, bool) {
		if len(fields) < 2 || len(fields) > 9 {
			return plimsoll.Account{}, "", false
		}
		a := plimsoll.Account{UID: -1, EmptyPassword: fields[1] == ""}
		if a.EmptyPassword || crypt.Identify(fields[1]).HasPassword() {
			a.Ageing = &plimsoll.Ageing{Changed: parseDays(fields, 2), Min: parseDays(fields, 3), Max: parseDays(fields, 4), Warn: parseDays(fields, 5), Inactive: parseDays(fields, 6)}
		}
		return a, fields[1], true
	})
}

func parseDays(fields []string, i int) int64 {
	if i >= len(fields) {
		return -1
	}
	n, err := strconv.ParseInt(fields[i], 10, 32)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func readAccounts(r io.Reader, parse func([]string) (plimsoll.Account, string, bool)) (plimsoll.AccountFile, []Hash, error) {
	var file plimsoll.AccountFile
	var hashes []Hash
	err := readColonFields(r, maxAccountLine, &file, func(fields []string) (bool, error) {
		a, hash, ok := parse(fields)
		if a.Name = Truncate(fields[0]); !ok || a.Name == "" {
			return false, nil
		}
		if len(file.Accounts) == maxAccounts {
			return true, plimsoll.Errorf(plimsoll.TooLarge, "more than %d accounts", maxAccounts)
		}
		if scheme := crypt.Identify(hash); scheme.HasPassword() {
			a.Scheme = string(scheme)
			hashes = append(hashes, Hash{len(file.Accounts), strings.Clone(hash)})
		}
		file.Accounts = append(file.Accounts, a)
		return true, nil
	})
	return file, hashes, err
}

// Group reads group(5).
func Group(r io.Reader) (plimsoll.AccountFile, error) {
	return readGroups(r, func(fields []string) (plimsoll.Group, bool) {
		if len(fields) != 4 {
			return plimsoll.Group{}, false
		}
		gid, err := strconv.ParseUint(fields[2], 10, 32)
		return plimsoll.Group{GID: int64(gid)}, err == nil
	})
}

// GShadow reads gshadow(5).
func GShadow(r io.Reader) (plimsoll.AccountFile, error) {
	return readGroups(r, func(fields []string) (plimsoll.Group, bool) {
		return plimsoll.Group{GID: -1}, len(fields) == 4
	})
}

func readGroups(r io.Reader, parse func([]string) (plimsoll.Group, bool)) (plimsoll.AccountFile, error) {
	var file plimsoll.AccountFile
	err := readColonFields(r, maxGroupLine, &file, func(fields []string) (bool, error) {
		g, ok := parse(fields)
		if g.Name = Truncate(fields[0]); !ok || g.Name == "" {
			return false, nil
		}
		if len(file.Groups) == maxAccounts {
			return true, plimsoll.Errorf(plimsoll.TooLarge, "more than %d groups", maxAccounts)
		}
		g.Password = crypt.Identify(fields[1]).HasPassword()
		for name := range strings.SplitSeq(fields[3], ",") {
			if name = strings.TrimSpace(name); name == "" {
				continue
			}
			if len(g.Members) == maxMembers {
				return true, plimsoll.Errorf(plimsoll.TooLarge, "a group of more than %d members", maxMembers)
			}
			g.Members = append(g.Members, Truncate(name))
		}
		file.Groups = append(file.Groups, g)
		return true, nil
	})
	return file, err
}

// readColonFields calls addLine with the fields of every line, which colons separate. addLine reports
// whether the line is well-formed; its error ends the reading.
func readColonFields(r io.Reader, maxLineBytes int, file *plimsoll.AccountFile, addLine func([]string) (bool, error)) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLineBytes)
	n, bad, first := 0, 0, 0
	for in.Scan() {
		n++
		line := in.Text()
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
			continue
		case line[0] == '+' || line[0] == '-':
			file.Legacy++
			continue
		}
		ok, err := addLine(strings.Split(line, ":"))
		if err != nil {
			return err
		}
		if !ok {
			if bad++; bad == 1 {
				first = n
			}
		}
	}
	if err := in.Err(); errors.Is(err, bufio.ErrTooLong) {
		return plimsoll.Errorf(plimsoll.Invalid, "line %d is longer than %d bytes", n+1, maxLineBytes)
	} else if err != nil {
		return err
	}
	if bad > 0 {
		return plimsoll.Errorf(plimsoll.Invalid, "%d lines are not accounts, the first is line %d", bad, first)
	}
	return nil
}
