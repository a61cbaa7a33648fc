// Package iam answers the operations of the identity and enterprise-project APIs that clients call before all others:
// tokens, projects, domains and enterprise projects. With them official clients need no special settings.
package iam
