package authorizer

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"regexp"
	"time"
	"unicode/utf8"

	"iotwasm/site/gateway/internal/policy"
	"iotwasm/site/gateway/internal/strictjson"
)

const (
	maxFile           = 1 << 20 // bytes
	maxDocuments      = 10
	maxDocument       = 2048 // characters, white space left out
	minKeyBits        = 2048
	minSeconds        = 300
	maxSeconds        = 86400
	defaultDisconnect = maxSeconds * time.Second
)

var (
	namePattern      = regexp.MustCompile(`^[\w=,@-]{1,128}$`)
	tokenKeyPattern  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	principalPattern = regexp.MustCompile(`^[a-zA-Z0-9]{1,128}$`)
)

// Parse reads a file of rules. The error names the field, is a *strictjson.Error and
// holds no value of the file, but for names of members and what is in policies.
func Parse(text []byte) (*Rules, error) {
	if len(text) > maxFile {
		return nil, strictjson.Problem("the file is longer than %d bytes", maxFile)
	}
	members, err := strictjson.Object(text)
	if err != nil {
		return nil, err
	}
	r := &Rules{byName: map[string]*authorizer{}}
	preset := ""
	for _, m := range members {
		switch m.Name {
		case "defaultAuthorizer":
			if preset, err = strictjson.String(m.Value); err != nil {
				return nil, strictjson.In(m.Name, err)
			}
		case "authorizers":
			if err := r.add(m.Value); err != nil {
				return nil, strictjson.In(m.Name, err)
			}
		default:
			return nil, strictjson.Unknown(m.Name, "defaultAuthorizer", "authorizers")
		}
	}
	if len(r.byName) == 0 {
		return nil, strictjson.In("authorizers", strictjson.Problem("is missing"))
	}
	if preset != "" {
		if r.preset = r.byName[preset]; r.preset == nil {
			return nil, strictjson.In("defaultAuthorizer", strictjson.Problem("is the name of no authorizer"))
		}
	}
	return r, nil
}

func (r *Rules) add(text []byte) error {
	elements, err := strictjson.Array(text)
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return strictjson.Problem("must not be empty")
	}
	for i, element := range elements {
		name, a, err := parseAuthorizer(element)
		if err == nil && r.byName[name] != nil {
			err = strictjson.In("name", strictjson.Problem("is that of an earlier one too"))
		}
		if err != nil {
			return strictjson.In(strictjson.Index(i), err)
		}
		r.byName[name] = a
	}
	return nil
}

// draft is an authorizer being read.
type draft struct {
	authorizer
	name            string
	signingDisabled bool
}

func parseAuthorizer(text []byte) (string, *authorizer, error) {
	members, err := strictjson.Object(text)
	if err != nil {
		return "", nil, err
	}
	d := draft{authorizer: authorizer{grant: Grant{Lifetime: defaultDisconnect}}}
	for _, m := range members {
		if err := d.set(m.Name, m.Value); err != nil {
			return "", nil, err
		}
	}
	missing := func(name, why string) error { return strictjson.In(name, strictjson.Problem("is missing%s", why)) }
	const signed, disable = " while signing is enabled", "must not be given while signing is disabled"
	switch {
	case d.name == "":
		err = missing("name", "")
	case d.grant.PrincipalID == "":
		err = missing("principalId", "")
	case d.grant.Policies == nil:
		err = missing("policyDocuments", "")
	case !d.signingDisabled && d.tokenKey == "":
		err = missing("tokenKeyName", signed)
	case !d.signingDisabled && d.keys == nil:
		err = missing("tokenSigningPublicKeys", signed)
	case d.signingDisabled && d.keys != nil:
		err = strictjson.In("tokenSigningPublicKeys", strictjson.Problem(disable))
	case d.tokens != nil && d.tokenKey == "":
		err = missing("tokenKeyName", " while there are tokens")
	}
	return d.name, &d.authorizer, err
}

func (d *draft) set(name string, value json.RawMessage) error {
	var err error
	switch name {
	case "name":
		d.name, err = matching(value, namePattern, "must be 1 to 128 letters, digits and _ = , @ -")
	case "signingDisabled":
		d.signingDisabled, err = strictjson.Bool(value)
	case "tokenKeyName":
		d.tokenKey, err = matching(value, tokenKeyPattern, "must be 1 to 128 letters, digits, _ and -")
	case "tokenSigningPublicKeys":
		d.keys, err = parseKeys(value)
	case "tokens":
		var tokens []string
		tokens, err = strictjson.Strings(value)
		for _, token := range tokens {
			d.tokens = append(d.tokens, digestOf([]byte(token)))
		}
	case "logins":
		d.logins, err = parseLogins(value)
	case "principalId":
		d.grant.PrincipalID, err = matching(value, principalPattern, "must be 1 to 128 letters and digits")
	case "policyDocuments":
		d.grant.Policies, err = parsePolicies(value)
	case "disconnectAfterInSeconds":
		var seconds int
		seconds, err = strictjson.Int(value, minSeconds, maxSeconds)
		d.grant.Lifetime = time.Duration(seconds) * time.Second
	case "refreshAfterInSeconds":
		_, err = strictjson.Int(value, minSeconds, maxSeconds)
	default:
		return strictjson.Unknown(name, "name", "signingDisabled", "tokenKeyName", "tokenSigningPublicKeys", "tokens", "logins",
			"principalId", "policyDocuments", "disconnectAfterInSeconds", "refreshAfterInSeconds")
	}
	return strictjson.In(name, err)
}

func matching(value json.RawMessage, form *regexp.Regexp, must string) (string, error) {
	text, err := strictjson.String(value)
	if err == nil && !form.MatchString(text) {
		err = strictjson.Problem("%s", must)
	}
	return text, err
}

func parseKeys(value json.RawMessage) ([]*rsa.PublicKey, error) {
	members, err := strictjson.Object(value)
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, strictjson.Problem("must not be empty")
	}
	keys := make([]*rsa.PublicKey, 0, len(members))
	for _, m := range members {
		text, err := strictjson.String(m.Value)
		if err != nil {
			return nil, strictjson.In(m.Name, err)
		}
		block, _ := pem.Decode([]byte(text))
		if block == nil || block.Type != "PUBLIC KEY" {
			return nil, strictjson.In(m.Name, strictjson.Problem("must be PEM text that begins with -----BEGIN PUBLIC KEY-----"))
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(*rsa.PublicKey)
		if err != nil || !ok || key.N.BitLen() < minKeyBits {
			return nil, strictjson.In(m.Name, strictjson.Problem("must be an RSA key of %d bits or more", minKeyBits))
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func parseLogins(value json.RawMessage) ([]login, error) {
	elements, err := strictjson.Array(value)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 {
		return nil, strictjson.Problem("must not be empty")
	}
	logins := make([]login, 0, len(elements))
	for i, element := range elements {
		l, err := parseLogin(element)
		if err != nil {
			return nil, strictjson.In(strictjson.Index(i), err)
		}
		logins = append(logins, l)
	}
	return logins, nil
}

func parseLogin(text []byte) (login, error) {
	var l login
	members, err := strictjson.Object(text)
	if err != nil {
		return l, err
	}
	for _, m := range members {
		switch m.Name {
		case "username":
			l.username, err = strictjson.String(m.Value)
		case "password":
			var password string
			password, err = strictjson.String(m.Value)
			l.password = digestOf([]byte(password))
		default:
			return l, strictjson.Unknown(m.Name, "username", "password")
		}
		if err != nil {
			return l, strictjson.In(m.Name, err)
		}
	}
	if len(members) < 2 {
		return l, strictjson.Problem("needs username and password")
	}
	return l, nil
}

func parsePolicies(value json.RawMessage) (policy.Set, error) {
	elements, err := strictjson.Array(value)
	if err != nil {
		return nil, err
	}
	if len(elements) == 0 || len(elements) > maxDocuments {
		return nil, strictjson.Problem("must have 1 to %d elements", maxDocuments)
	}
	var set policy.Set
	for i, element := range elements {
		text := []byte(element)
		if inner, err := strictjson.String(element); err == nil {
			text = []byte(inner)
		}
		document, err := policy.Parse(text)
		if err != nil {
			return nil, strictjson.In(strictjson.Index(i), err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil || utf8.RuneCount(compact.Bytes()) > maxDocument {
			return nil, strictjson.In(strictjson.Index(i), strictjson.Problem("is longer than %d characters", maxDocument))
		}
		set = append(set, document)
	}
	return set, nil
}
