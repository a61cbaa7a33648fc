package main

import (
	"bufio"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"plimsoll"
)

// dataFile is a path in the data directory, which it creates.
func (a *app) dataFile(name string) string {
	_ = os.MkdirAll(a.data, 0o700) // opening the file tells if it failed
	return filepath.Join(a.data, name)
}

// freshTemp empties the place for temporary files: a process that died may have left some.
// The caller holds the lock of the data directory.
func (a *app) freshTemp() (string, error) {
	dir := filepath.Join(a.data, "tmp")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return "", plimsoll.Errorf(plimsoll.Unavailable, "directory for temporary files: %w", err)
	}
	return filepath.Abs(dir)
}

// transport dials registries by the outbound policy, with further addresses allowed.
func (a *app) transport(alsoAllow ...string) (http.RoundTripper, error) {
	policy, err := a.policy(alsoAllow...)
	return policy.Transport(), err
}

// roots are the system's certificate authorities with those of --ca-file; nil without one.
func (a *app) roots() (*x509.CertPool, error) {
	if a.caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(a.caFile)
	if err != nil {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "certificate authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, plimsoll.Errorf(plimsoll.Invalid, "certificate authorities: %s holds no PEM certificate", a.caFile)
	}
	return roots, nil
}

const maxSecret = 64 << 10

// secret reads a secret from standard input if asked to: it never stands on a command line.
func (a *app) secret(fromStdin bool) (string, error) {
	if !fromStdin {
		return "", nil
	}
	line, err := bufio.NewReader(io.LimitReader(a.in, maxSecret+1)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", plimsoll.Errorf(plimsoll.Invalid, "read the secret from standard input: %w", err)
	}
	if len(line) > maxSecret {
		return "", plimsoll.Errorf(plimsoll.TooLarge, "the secret on standard input is longer than %d bytes", maxSecret)
	}
	secret := strings.TrimRight(line, "\r\n")
	if secret == "" {
		return "", plimsoll.Errorf(plimsoll.Invalid, "standard input holds no secret")
	}
	return secret, nil
}
