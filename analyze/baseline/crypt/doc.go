// Package crypt verifies passwords against hashes as crypt(5) writes them: MD5, SHA-256,
// SHA-512, bcrypt and yescrypt. It says beforehand what one attempt costs, because a hash
// names its own cost and comes from somebody else.
package crypt
