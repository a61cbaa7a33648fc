package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"plimsoll"
	"plimsoll/client"
	"plimsoll/store/sqlite"
)

const adminPassword = "correct horse battery staple"

// fails runs the program in this process, expects exit status 2, and returns what it said.
func fails(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := runProgram(t.Context(), args, strings.NewReader(""), &out, &errs); code != exitError || out.Len() > 0 {
		t.Fatalf("plimsoll %v: exit %d\n%s\n%s", args, code, out.String(), errs.String())
	}
	return errs.String()
}

func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	tests := []struct {
		name  string
		flags []string
		says  []string
	}{
		{"taken port", []string{"--listen", taken.Addr().String()}, []string{"address already in use", "hint: choose another address with --listen"}},
		{"taken port in the demo", []string{"--demo", "--exit", "--listen", taken.Addr().String()}, []string{"address already in use", "hint: choose another address"}},
		{"no port", []string{"--listen", "127.0.0.1"}, []string{`"127.0.0.1" is not host:port`}},
		{"every interface", []string{"--listen", ":0"}, []string{"plain HTTP on :0", "hint: give --tls-cert and --tls-key, or --insecure-http"}},
		{"another interface", []string{"--listen", "192.0.2.1:0"}, []string{"plain HTTP"}},
		{"demo on every interface", []string{"--demo", "--listen", "0.0.0.0:0"}, []string{"plain HTTP"}},
		{"half a certificate", []string{"--tls-cert", "x.pem"}, []string{"--tls-cert and --tls-key go together"}},
		{"no certificate", []string{"--tls-cert", "x.pem", "--tls-key", "y.pem"}, []string{"TLS certificate"}},
		{"exit without demo", []string{"--exit"}, []string{"--exit goes with --demo"}},
		{"no workers", []string{"--workers", "0"}, []string{"at least 1"}},
		{"no grace", []string{"--grace", "0s"}, []string{"--grace"}},
		{"time backwards", []string{"--sync-every", "-1h"}, []string{"is negative"}},
	}
	for _, tt := range tests {
		data := filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-"))
		said := fails(t, append([]string{"--data", data, "serve"}, tt.flags...)...)
		for _, want := range tt.says {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in %s", tt.name, want, said)
			}
		}
		if _, err := os.Stat(data); err == nil && !strings.HasPrefix(tt.name, "taken") {
			t.Errorf("%s: a data directory was made", tt.name)
		}
	}
}

func TestServeInsecureHTTP(t *testing.T) {
	b, err := serveInBackground([]string{"--data", t.TempDir(), "serve", "--listen", "0.0.0.0:0", "--insecure-http"})
	if err != nil {
		t.Fatal(err)
	}
	if code := b.stop(); code != exitOK {
		t.Errorf("exit %d: %s", code, b.errs.String())
	}
}

// writeCertificate makes a certificate for 127.0.0.1 that vouches for itself.
func writeCertificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fixture"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: rawKey}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestServeTLS(t *testing.T) {
	data := t.TempDir()
	cert, key := writeCertificate(t, t.TempDir())
	cli(t, adminPassword+"\n", "--data", data, "user", "password", "admin")
	b, err := serveInBackground([]string{"--data", data, "serve", "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key})
	if err != nil {
		t.Fatal(err)
	}
	defer b.stop()
	if !strings.HasPrefix(b.url, "https://127.0.0.1:") {
		t.Errorf("listens on %s", b.url)
	}
	t.Setenv("PLIMSOLL_ENDPOINT", b.url)
	t.Setenv("PLIMSOLL_USER", "admin")
	t.Setenv("PLIMSOLL_PASSWORD", adminPassword)
	if said := fails(t, "images"); !strings.Contains(said, "certificate") || !strings.Contains(said, "hint: if its certificate is from a private authority, name that with --ca-file") {
		t.Errorf("without its authority: %s", said)
	}
	if out := cli(t, "", "images", "--ca-file", cert); !strings.Contains(out, "0 of 0 images") {
		t.Errorf("with its authority: %s", out)
	}
	if said := fails(t, "images", "--endpoint", strings.Replace(b.url, "https", "http", 1)); !strings.Contains(said, "the server refused") {
		t.Errorf("without TLS: %s", said)
	}
}

// TestRemoteFollowsNoRedirect keeps the token with the server that was named.
func TestRemoteFollowsNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("asked %s with token %q", r.URL, r.Header.Get("X-Auth-Token"))
	}))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	t.Setenv("PLIMSOLL_TOKEN", "t")
	if said := fails(t, "images", "--endpoint", first.URL); !strings.Contains(said, "hint: the endpoint redirects") {
		t.Error(said)
	}
}

// blockedRegistry holds fixture/vulnerable, whose layer it does not hand out until it is
// told to. The channel is closed when a client has asked for it.
func blockedRegistry(t *testing.T) (host string, asked <-chan struct{}, release func()) {
	t.Helper()
	img, err := fixtureImage(fixtureImages()["fixture/vulnerable"])
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	reached, open := make(chan struct{}, 100), make(chan struct{})
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, digest.String()) {
			reached <- struct{}{}
			select {
			case <-open:
			case <-r.Context().Done():
			}
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	host = server.Listener.Addr().String()
	ref, err := name.NewTag(host+"/fixture/vulnerable:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return host, reached, func() { close(open) }
}

// TestServeStops ends a server in the middle of a scan: the scan goes back to the backlog,
// and the next process does it.
func TestServeStops(t *testing.T) {
	host, asked, release := blockedRegistry(t)
	data := t.TempDir()
	cli(t, adminPassword+"\n", "--data", data, "user", "password", "admin")
	cli(t, "", "--data", data, "--allow-host", host, "registry", "add", "blocked", "http://"+host)
	b, err := serveInBackground([]string{"--data", data, "--allow-host", host, "serve", "--listen", "127.0.0.1:0", "--grace", "50ms", "--log-level", "error"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(t.Context(), client.Config{Endpoint: b.url, User: "admin", Password: adminPassword})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RequestSync(t.Context(), "blocked"); err != nil {
		t.Fatal(err)
	}
	<-asked
	began := time.Now()
	if code := b.stop(); code != exitOK {
		t.Errorf("exit %d: %s", code, b.errs.String())
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s to stop", took)
	}
	if said := b.errs.String(); strings.Contains(said, "ERROR") {
		t.Errorf("stopping is no error: %s", said)
	}
	if counts := countPending(t, data); counts[plimsoll.WorkPending] != 1 || counts[plimsoll.WorkRunning] != 0 {
		t.Errorf("the backlog holds %v", counts)
	}
	release()
	cli(t, "", "--data", data, "--allow-host", host, "sync", "blocked")
	if out := cli(t, "", "--data", data, "images", "--state", "done"); !strings.Contains(out, "1 of 1 images") {
		t.Errorf("after the next sync: %s", out)
	}
}

func countPending(t *testing.T, data string) map[plimsoll.WorkState]int {
	t.Helper()
	inventory, err := sqlite.Inventory(t.Context(), filepath.Join(data, "plimsoll.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer inventory.Close()
	counts, err := inventory.PendingCounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// startProcess runs this program as a process of its own, and returns when it listens.
func startProcess(t *testing.T, data string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "plimsoll", "--data", data, "serve", "--listen", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs lockedBuffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "listening on ") {
		t.Fatalf("%q %v %s", line, err, errs.String())
	}
	return cmd
}

// TestLockOfAProcess takes the lock in one process and wants it in another, before and
// after the first ends, in an orderly way or not.
func TestLockOfAProcess(t *testing.T) {
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGKILL} {
		t.Run(end.String(), func(t *testing.T) {
			data := t.TempDir()
			process := startProcess(t, data)
			said := fails(t, "--data", data, "images")
			if !strings.Contains(said, "is in use by another plimsoll") || !strings.Contains(said, "hint: speak to the running server") {
				t.Errorf("while it runs: %s", said)
			}
			if err := process.Process.Signal(end); err != nil {
				t.Fatal(err)
			}
			if err := process.Wait(); (err == nil) != (end != syscall.SIGKILL) {
				t.Errorf("it ended with %v", err)
			}
			if out := cli(t, "", "--data", data, "images"); !strings.Contains(out, "0 of 0 images") {
				t.Errorf("after it ended: %s", out)
			}
		})
	}
}
