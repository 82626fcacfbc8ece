// Package hpke stands in for crypto/hpke when the wasm file is built. net/http
// brings in crypto/tls, which brings in that package, whose variables keep five
// elliptic curves in the file. In a page the browser does TLS, so none of it ever
// runs: each function here fails. The Makefile puts it in place with -overlay, and
// the compiler checks that it has what crypto/tls asks for.
package hpke

import (
	"crypto/ecdh"
	"errors"
)

var errAbsent = errors.New("hpke: not part of this build")

// KDF is a key derivation function.
type KDF interface{ ID() uint16 }

// AEAD is an authenticated cipher.
type AEAD interface{ ID() uint16 }

// KEM is a key encapsulation mechanism.
type KEM interface {
	ID() uint16
	NewPublicKey([]byte) (PublicKey, error)
	NewPrivateKey([]byte) (PrivateKey, error)
}

// PublicKey is a key of a KEM.
type PublicKey interface {
	KEM() KEM
	Bytes() []byte
}

// PrivateKey is a key of a KEM.
type PrivateKey interface {
	KEM() KEM
	Bytes() ([]byte, error)
	PublicKey() PublicKey
}

// Sender seals messages.
type Sender struct{}

// Recipient opens messages.
type Recipient struct{}

// NewKEM fails.
func NewKEM(uint16) (KEM, error) { return nil, errAbsent }

// NewKDF fails.
func NewKDF(uint16) (KDF, error) { return nil, errAbsent }

// NewAEAD fails.
func NewAEAD(uint16) (AEAD, error) { return nil, errAbsent }

// NewDHKEMPrivateKey fails.
func NewDHKEMPrivateKey(ecdh.KeyExchanger) (PrivateKey, error) { return nil, errAbsent }

// NewSender fails.
func NewSender(PublicKey, KDF, AEAD, []byte) ([]byte, *Sender, error) { return nil, nil, errAbsent }

// NewRecipient fails.
func NewRecipient([]byte, PrivateKey, KDF, AEAD, []byte) (*Recipient, error) { return nil, errAbsent }

// Seal fails.
func (*Sender) Seal(_, _ []byte) ([]byte, error) { return nil, errAbsent }

// Open fails.
func (*Recipient) Open(_, _ []byte) ([]byte, error) { return nil, errAbsent }
