// Package identity is where administrators say who may ask: it makes the first
// user, and adds and removes users, grants, projects and access keys.
//
// It stands beside package auth, which says who is asking. The two share the
// passwords' hash, and with it the cap on how many are computed at once: package
// cmd makes one Passwords and hands it to both.
//
// A generated password or secret is returned once and stored in a form that does
// not give it back: passwords as argon2id hashes, secrets of access keys sealed.
package identity
