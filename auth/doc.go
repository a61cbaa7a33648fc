// Package auth says who is asking. It turns what came with a request into a
// plimsoll.Principal, in one of three ways:
//
//   - a token, which SignIn gives for a password and Token recognises;
//   - a signature with an access key over the request (SDK-HMAC-SHA256), which Verify checks;
//   - being the operator on the machine itself, who has the data directory open (Local).
//
// It decides nothing about what the principal may do; whoever is asked decides, by Principal.Role.
// A principal has grants in one project at most. A token is bound to a project when
// it is given; a signature is bound by ForProject, after the caller has read the project from the path.
//
// Guessing is slowed down by counting consecutive failures for each user name, or
// access key, and source address. The counts are in memory and bounded; a restart forgets them.
package auth
