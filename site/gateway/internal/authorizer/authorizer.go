// Package authorizer owns custom authorizers: a file of rules in the place of the
// Lambda functions which AWS IoT Core would ask, and the decision by them. It is
// written from the developer guide ("Custom authentication"). The file is JSON:
//
//	{
//	  "defaultAuthorizer": "pages",
//	  "authorizers": [{
//	    "name": "pages",
//	    "signingDisabled": false,
//	    "tokenKeyName": "token",
//	    "tokenSigningPublicKeys": {"first": "-----BEGIN PUBLIC KEY-----\n…"},
//	    "tokens": ["one", "another"],
//	    "logins": [{"username": "user", "password": "secret"}],
//	    "principalId": "page1",
//	    "policyDocuments": [{"Version": "2012-10-17", "Statement": [ … ]}],
//	    "disconnectAfterInSeconds": 3600,
//	    "refreshAfterInSeconds": 300
//	  }]
//	}
//
// Names are those of CreateAuthorizer and of a Lambda function's answer, and so are
// the limits. Signing is enabled unless it is disabled; it needs tokenKeyName and one
// RSA key at least, and signatures are RSA with SHA-256. Without tokens any token
// will do, or none if signing is disabled; without logins any user name and password,
// or none. principalId and policyDocuments are required; a document is an object or
// its text. The connection ends after disconnectAfterInSeconds, 86400 by default;
// refreshAfterInSeconds is checked and has no effect, since rules do not change.
// Clients that neither sign nor name an authorizer get the default one.
//
// It imports strictjson and policy; access calls it, from net/http's goroutines for
// an upgrade and from the broker's for a CONNECT.
package authorizer

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"iotwasm/site/gateway/internal/policy"
)

const (
	nameParameter      = "x-amz-customauthorizer-name"
	signatureParameter = "x-amz-customauthorizer-signature"
)

// Rules are the authorizers. A nil *Rules has none.
type Rules struct {
	byName map[string]*authorizer
	preset *authorizer // the default one
}

// authorizer is one rule.
type authorizer struct {
	tokenKey string
	keys     []*rsa.PublicKey // none where signing is disabled
	tokens   []digest         // nil: any
	logins   []login          // nil: any
	grant    Grant
}

type login struct {
	username string
	password digest
}

// digest stands for a secret, so that no text made of rules shows it and comparing
// takes the same time for every length.
type digest [sha256.Size]byte

func digestOf(secret []byte) digest { return sha256.Sum256(secret) }

// equals returns 1 or 0, in constant time.
func (d *digest) equals(other *digest) int { return subtle.ConstantTimeCompare(d[:], other[:]) }

// Grant is what an authorizer gives to a client.
type Grant struct {
	PrincipalID string
	Policies    policy.Set
	Lifetime    time.Duration // of the connection
}

// Login decides about the user name and the password of a CONNECT.
type Login func(username string, password []byte) (Grant, error)

// Refusal says why a client was not accepted. Its text is for the log of the gateway:
// it holds nothing that the client sent.
type Refusal struct{ Reason string }

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

func refuse(format string, args ...any) error {
	return &Refusal{Reason: fmt.Sprintf(format, args...)}
}

// request is what a client says, wherever it says it; look returns a parameter and
// whether it is there.
type request struct {
	look func(name string) (string, bool, error)
}

// Upgrade decides about a request that opens a WebSocket and is not signed. It gives
// a Login where the decision has to wait for CONNECT, because the request names no
// authorizer or its authorizer wants a user name.
func (r *Rules) Upgrade(q *http.Request) (Grant, Login, error) {
	if r == nil || len(r.byName) == 0 {
		return Grant{}, nil, refuse("not signed, and the gateway has no custom authorizers")
	}
	query, err := url.ParseQuery(q.URL.RawQuery)
	if err != nil {
		return Grant{}, nil, refuse("malformed query")
	}
	asked := request{func(name string) (string, bool, error) {
		if values, ok := query[name]; ok {
			return single(name, values)
		}
		return single(name, q.Header.Values(name))
	}}
	a, err := r.choose(asked)
	switch {
	case err != nil:
		return Grant{}, nil, err
	case a == nil:
		return Grant{}, r.connect, nil
	}
	if err := a.checkToken(asked); err != nil {
		return Grant{}, nil, err
	}
	if a.logins == nil {
		return a.grant, nil, nil
	}
	return Grant{}, func(username string, password []byte) (Grant, error) {
		name, _, _ := strings.Cut(username, "?")
		return a.checkLogin(name, password)
	}, nil
}

// connect decides about a CONNECT on its own: its user name may end with a query.
func (r *Rules) connect(username string, password []byte) (Grant, error) {
	name, raw, _ := strings.Cut(username, "?")
	query, err := url.ParseQuery(raw)
	if err != nil {
		return Grant{}, refuse("malformed query in the user name")
	}
	asked := request{func(name string) (string, bool, error) { return single(name, query[name]) }}
	a, err := r.choose(asked)
	if err != nil {
		return Grant{}, err
	}
	if a == nil {
		a = r.preset
	}
	if a == nil {
		return Grant{}, refuse("neither the upgrade nor the user name names an authorizer, and there is no default one")
	}
	if err := a.checkToken(asked); err != nil {
		return Grant{}, err
	}
	return a.checkLogin(name, password)
}

// choose returns the authorizer which is named, or the default one if something is
// for it, or nil.
func (r *Rules) choose(asked request) (*authorizer, error) {
	name, named, err := asked.look(nameParameter)
	if err != nil {
		return nil, err
	}
	if named {
		if a := r.byName[name]; a != nil {
			return a, nil
		}
		return nil, refuse("unknown authorizer")
	}
	if r.preset == nil {
		return nil, nil
	}
	for _, name := range []string{r.preset.tokenKey, signatureParameter} {
		if name == "" {
			continue
		}
		if _, given, err := asked.look(name); given || err != nil {
			return r.preset, err
		}
	}
	return nil, nil
}

func single(name string, values []string) (string, bool, error) {
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	if name != nameParameter && name != signatureParameter {
		name = "the token"
	}
	return "", true, refuse("%s is given twice", name)
}

func (a *authorizer) checkToken(asked request) error {
	if a.tokenKey == "" {
		return nil
	}
	token, given, err := asked.look(a.tokenKey)
	switch {
	case err != nil:
		return err
	case !given && (a.keys != nil || a.tokens != nil):
		return refuse("no token under the authorizer's tokenKeyName")
	}
	if a.keys != nil {
		signature, given, err := asked.look(signatureParameter)
		switch {
		case err != nil:
			return err
		case !given:
			return refuse("%s is missing", signatureParameter)
		}
		if err := a.checkSignature(token, signature); err != nil {
			return err
		}
	}
	if a.tokens == nil {
		return nil
	}
	known, got := 0, digestOf([]byte(token))
	for i := range a.tokens {
		known |= a.tokens[i].equals(&got)
	}
	if known == 0 {
		return refuse("the authorizer does not accept the token")
	}
	return nil
}

func (a *authorizer) checkSignature(token, signature string) error {
	// A plus sign that was not URL-encoded has become a space by now, as on AWS.
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return refuse("%s is not Base64; was it URL-encoded?", signatureParameter)
	}
	sum := sha256.Sum256([]byte(token))
	for _, key := range a.keys {
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], raw) == nil {
			return nil
		}
	}
	return refuse("%s is not a signature of the token by a key of the authorizer", signatureParameter)
}

func (a *authorizer) checkLogin(username string, password []byte) (Grant, error) {
	known, got := 0, digestOf(password)
	for i := range a.logins {
		if a.logins[i].username == username {
			known |= a.logins[i].password.equals(&got)
		}
	}
	if a.logins != nil && known == 0 {
		return Grant{}, refuse("the authorizer does not accept the user name and the password")
	}
	return a.grant, nil
}
