package crypt

import (
	"crypto/md5" //nolint:gosec // the algorithm of the hashes to verify
	"strings"
)

const (
	md5Prefix = "$1$"
	md5Rounds = 1000
	md5Salt   = 8
)

// md5Crypt computes the hash field of a password by MD5-crypt (P.-H. Kamp, FreeBSD's crypt, 1994; crypt(5)).
func md5Crypt(password, field string) (string, error) {
	salt, _, found := strings.Cut(strings.TrimPrefix(field, md5Prefix), "$")
	if !found {
		return "", ErrHash
	}
	salt = salt[:min(len(salt), md5Salt)]
	key := []byte(password)
	h := md5.New() //nolint:gosec // as above
	h.Write([]byte(password + salt + password))
	inner := h.Sum(nil)
	h.Reset()
	h.Write([]byte(password + md5Prefix + salt))
	h.Write(repeatTo(inner, len(key)))
	for n := len(key); n > 0; n >>= 1 {
		if n&1 != 0 {
			h.Write([]byte{0})
		} else {
			h.Write(key[:1])
		}
	}
	sum := h.Sum(nil)
	for i := range md5Rounds {
		h.Reset()
		write := func(password bool) {
			if password {
				h.Write(key)
				return
			}
			h.Write(sum)
		}
		write(i%2 != 0)
		if i%3 != 0 {
			h.Write([]byte(salt))
		}
		if i%7 != 0 {
			h.Write(key)
		}
		write(i%2 == 0)
		sum = h.Sum(nil)
	}
	var b strings.Builder
	b.WriteString(md5Prefix + salt + "$")
	for _, t := range [...][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		encode24(&b, uint32(sum[t[0]])<<16|uint32(sum[t[1]])<<8|uint32(sum[t[2]]), 4)
	}
	encode24(&b, uint32(sum[11]), 2)
	return b.String(), nil
}
