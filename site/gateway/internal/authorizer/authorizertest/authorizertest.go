// Package authorizertest owns the key with which tests sign tokens for custom
// authorizers. Only tests import it, and call it from any goroutine; it imports the
// standard library only.
package authorizertest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"sync"
	"testing"
)

var key = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// Sign is "openssl dgst -sha256 -sign | openssl base64" (custom-auth, "Signing the token").
func Sign(t testing.TB, token string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(token))
	signature, err := rsa.SignPKCS1v15(nil, key(), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// PublicKey is the PEM text of the key which Sign's signatures are checked with.
func PublicKey(t testing.TB) string { return PublicPEM(t, key().Public()) }

// PublicPEM is the PEM text of any public key.
func PublicPEM(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
