// Package identity manages users, grants, projects and access keys, and makes the first user of
// an empty database.
//
// Package auth authenticates these users. Both packages use one [Passwords], which package cmd
// makes, and which bounds how many password hashes are computed at once.
//
// A generated password or secret is returned once. Passwords are stored as argon2id hashes,
// secrets of access keys are stored sealed.
package identity
