// Package crypt verifies passwords against hashes as crypt(5) writes them: MD5, SHA-256,
// SHA-512, bcrypt and yescrypt. Cost returns the cost of an attempt before it is made, because a
// hash from an untrusted layer contains its own cost.
package crypt
