package tlscert

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

var now = time.Now()

func roots(t *testing.T, c *Certificate) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	authority, err := x509.ParseCertificate(c.chain.Certificate[1])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(authority)
	return pool
}

func TestCertificateIsForThisMachineOnly(t *testing.T) {
	c, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	pool := roots(t, c)
	for name, want := range map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true, "127.0.0.2": false, "example.com": false} {
		if _, err := c.leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool, CurrentTime: now}); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	key, ok := c.chain.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || key.Curve.Params().Name != "P-256" {
		t.Errorf("key %T", c.chain.PrivateKey)
	}
	if life := c.Expires().Sub(now); life < 24*time.Hour || life > 365*24*time.Hour {
		t.Errorf("lasts %v", life)
	}
	if !regexp.MustCompile(`^([0-9A-F]{2}:){31}[0-9A-F]{2}$`).MatchString(c.Fingerprint()) {
		t.Error(c.Fingerprint())
	}
}

func TestAuthorityIsConstrained(t *testing.T) {
	a, err := newAuthority(now)
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.issue(now)
	if err != nil {
		t.Fatal(err)
	}
	foreign := *c.leaf
	foreign.DNSNames, foreign.IPAddresses = []string{"example.com"}, nil
	der, err := x509.CreateCertificate(nil, &foreign, a.certificate, c.leaf.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "example.com", Roots: roots(t, c), CurrentTime: now}); err == nil {
		t.Error("the authority can sign for other hosts")
	}
}

func TestServes(t *testing.T) {
	c, err := New(now)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.TLS.NegotiatedProtocol)
	})}
	go func() { _ = server.Serve(tls.NewListener(listener, c.Config())) }()
	defer func() { _ = server.Close() }()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots(t, c), MinVersion: tls.VersionTLS12},
	}}
	response, err := client.Get("https://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, _ := io.ReadAll(response.Body); string(body) != "HTTP/1.1 http/1.1" {
		t.Errorf("%q", body)
	}
	// 1.12 of aws-iot.md: TLS 1.2 is required.
	old := &tls.Config{RootCAs: roots(t, c), MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if conn, err := tls.Dial("tcp", listener.Addr().String(), old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func keep(t *testing.T, dir string, at time.Time) *Certificate {
	t.Helper()
	c, err := InDirectory(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDirectoryKeeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "tls")
	first := keep(t, dir, now)
	authority := func() string {
		content, err := os.ReadFile(first.AuthorityFile)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	trusted := authority()
	if block, rest := pem.Decode([]byte(trusted)); block == nil || block.Type != "CERTIFICATE" || len(rest) > 0 {
		t.Error("the file to trust holds more than a certificate")
	}
	if second := keep(t, dir, now.Add(24*time.Hour)); second.Fingerprint() != first.Fingerprint() {
		t.Error("a good certificate was replaced")
	}
	renewed := keep(t, dir, now.Add(serverValidity-renewBefore))
	if renewed.Fingerprint() == first.Fingerprint() || authority() != trusted {
		t.Error("the certificate was not renewed under its authority")
	}
	later := keep(t, dir, now.Add(authorityValidity))
	if authority() == trusted {
		t.Error("an expired authority is kept")
	}
	if _, err := later.leaf.Verify(x509.VerifyOptions{DNSName: "localhost", Roots: roots(t, later), CurrentTime: now.Add(authorityValidity)}); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%v %v", entries, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, mode := range map[string]os.FileMode{authorityKeyFile: 0o600, serverFile: 0o600, authorityFile: 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
}

func TestDirectoryRefuses(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"its mode must be 0600": func(path string) error { return os.Chmod(path, 0o640) },
		"failed to find any PEM": func(path string) error {
			return os.WriteFile(path, []byte("SECRETKEY"), 0o600)
		},
	} {
		if runtime.GOOS == "windows" && strings.Contains(name, "mode") {
			continue
		}
		for _, file := range []string{authorityKeyFile, serverFile} {
			dir := t.TempDir()
			keep(t, dir, now)
			if err := spoil(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			if _, err := InDirectory(dir, now); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: %v, want %q", file, err, name)
			}
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.pem"), "none"); err == nil {
		t.Error("read from nowhere")
	}
}

func TestReadTakesOwnFiles(t *testing.T) {
	dir := t.TempDir()
	made := keep(t, dir, now)
	path := filepath.Join(dir, serverFile)
	if c, err := Read(path, path); err != nil || c.Fingerprint() != made.Fingerprint() || c.AuthorityFile != "" {
		t.Errorf("%v", err)
	}
}
