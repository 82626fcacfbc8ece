package tlscert

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

const (
	// A file with a key holds its certificate too: one rename replaces both.
	authorityKeyFile = "authority-key.pem"
	authorityFile    = "authority.pem" // the certificate alone, to trust
	serverFile       = "localhost-key.pem"

	// renewBefore is how long before its end a certificate is replaced.
	renewBefore = 7 * 24 * time.Hour
)

// InDirectory takes the certificate which dir keeps. What is not there, or about to
// expire, is made; a server certificate is renewed under the authority that is
// trusted already.
func InDirectory(dir string, now time.Time) (*Certificate, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("keep TLS certificate: %w", err)
	}
	a, err := keptAuthority(dir, now)
	if err != nil {
		return nil, err
	}
	c, err := keptServer(dir, a, now)
	if err != nil {
		return nil, err
	}
	c.AuthorityFile = filepath.Join(dir, authorityFile)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	if kept, err := os.ReadFile(c.AuthorityFile); err != nil || !bytes.Equal(kept, certificate) {
		if err := replace(c.AuthorityFile, certificate, 0o644); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func keptAuthority(dir string, now time.Time) (*authority, error) {
	path := filepath.Join(dir, authorityKeyFile)
	pair, err := readPair(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		certificate, err := x509.ParseCertificate(pair.Certificate[0])
		key, ok := pair.PrivateKey.(crypto.Signer)
		if err != nil || !ok || !certificate.IsCA {
			return nil, fmt.Errorf("keep TLS certificate: %s is no authority", path)
		}
		if !now.Before(certificate.NotBefore) && now.Before(certificate.NotAfter.Add(-renewBefore)) {
			return &authority{certificate, key}, nil
		}
	}
	a, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	return a, writePair(path, a.key, a.certificate.Raw)
}

func keptServer(dir string, a *authority, now time.Time) (*Certificate, error) {
	path := filepath.Join(dir, serverFile)
	pair, err := readPair(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		c, err := wrap(pair)
		if err != nil {
			return nil, err
		}
		if c.leaf.CheckSignatureFrom(a.certificate) == nil && !now.Before(c.leaf.NotBefore) && now.Before(c.leaf.NotAfter.Add(-renewBefore)) {
			return c, nil
		}
	}
	c, err := a.issue(now)
	if err != nil {
		return nil, err
	}
	return c, writePair(path, c.chain.PrivateKey, c.chain.Certificate...)
}

// readPair reads a key and its certificates, unless others could have read the key.
func readPair(path string) (tls.Certificate, error) {
	info, err := os.Stat(path)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep TLS certificate: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return tls.Certificate{}, fmt.Errorf("keep TLS certificate: %s can be read by others, its mode must be 0600", path)
	}
	pair, err := tls.LoadX509KeyPair(path, path)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep TLS certificate: %s: %w", path, err)
	}
	return pair, nil
}

func writePair(path string, key crypto.PrivateKey, certificates ...[]byte) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("keep TLS certificate: %w", err)
	}
	content := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	for _, certificate := range certificates {
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...)
	}
	return replace(path, content, 0o600)
}

// replace writes a file as a whole or not at all.
func replace(path string, content []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*") // of mode 0600
	if err != nil {
		return fmt.Errorf("keep TLS certificate: %w", err)
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the error that counts is the one above
		return fmt.Errorf("keep TLS certificate: %w", err)
	}
	return nil
}
