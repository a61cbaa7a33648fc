// Package auth identifies the caller of a request and returns it as a plimsoll.Principal. There
// are three methods:
//
//   - a token, which SignIn issues for a password and Token verifies;
//   - a signature of the request with an access key (SDK-HMAC-SHA256), which Verify checks;
//   - the operator on the machine itself, who has the data directory open (Local).
//
// Package auth does not decide what the principal may do; each operation checks Principal.Role.
// A principal has grants in at most one project. A token is bound to a project when it is
// issued; a signature is bound by ForProject, after the caller has read the project from the path.
//
// To slow down guessing, consecutive failures are counted per source address and user name or
// access key. The counts are in memory and bounded; a restart clears them.
package auth
