// Package tlscert owns the certificate with which the gateway speaks TLS: made anew
// and kept in memory, made once and kept in a directory, or read from the user's own
// files. What it makes is for localhost, 127.0.0.1 and ::1, and its authority can
// sign for nothing else, so that trusting it exposes no other site.
//
// It imports the standard library only; main calls it once, before it serves.
package tlscert

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

const (
	authorityValidity = 365 * 24 * time.Hour
	serverValidity    = 30 * 24 * time.Hour
	// backdate lets clients whose clocks are behind take a new certificate.
	backdate = time.Hour
)

// Certificate is what the gateway shows to clients.
type Certificate struct {
	chain tls.Certificate
	leaf  *x509.Certificate
	// AuthorityFile is the certificate to trust once, if there is one.
	AuthorityFile string
}

// Config returns a configuration for HTTP/1.1, the only HTTP in which net/http hands
// over a connection for a WebSocket.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{c.chain},
		MinVersion:   tls.VersionTLS12, // as AWS IoT Core
		NextProtos:   []string{"http/1.1"},
	}
}

// Fingerprint returns the SHA-256 fingerprint of the server's certificate, as
// browsers show it.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.leaf.Raw)
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	pairs := make([]string, 0, len(sum))
	for i := 0; i < len(text); i += 2 {
		pairs = append(pairs, text[i:i+2])
	}
	return strings.Join(pairs, ":")
}

// Expires returns when the server's certificate ends.
func (c *Certificate) Expires() time.Time { return c.leaf.NotAfter }

// New makes a certificate which is kept nowhere.
func New(now time.Time) (*Certificate, error) {
	authority, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	return authority.issue(now)
}

// Read takes a certificate, with its chain, and its key from PEM files.
func Read(certFile, keyFile string) (*Certificate, error) {
	chain, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate: %w", err)
	}
	return wrap(chain)
}

func wrap(chain tls.Certificate) (*Certificate, error) {
	leaf, err := x509.ParseCertificate(chain.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("read TLS certificate: %w", err)
	}
	return &Certificate{chain: chain, leaf: leaf}, nil
}

// authority signs server certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func newAuthority(now time.Time) (*authority, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make TLS authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		// Its own name, so that one which replaces it is not taken for it.
		Subject:               pkix.Name{CommonName: "iotwasm gateway local authority " + serial.Text(16)[:8]},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityValidity),
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},

		PermittedDNSDomainsCritical: true,
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make TLS authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make TLS authority: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make TLS authority: %w", err)
	}
	return &authority{certificate, key}, nil
}

// issue makes a server certificate with a new key.
func (a *authority) issue(now time.Time) (*Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make TLS certificate: %w", err)
	}
	end := now.Add(serverValidity)
	if end.After(a.certificate.NotAfter) {
		end = a.certificate.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "localhost"},
		NotBefore:    now.Add(-backdate),
		NotAfter:     end,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1).To4(), net.IPv6loopback},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make TLS certificate: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("make TLS certificate: %w", err)
	}
	return wrap(tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key})
}
