package authorizer

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"iotwasm/site/gateway/internal/authorizer/authorizertest"
	"iotwasm/site/gateway/internal/policy"
	"iotwasm/site/gateway/internal/strictjson"
)

const (
	token    = "to+ken/= ä"
	password = "pass/word+="
)

type object = map[string]any

func anyPolicy() []any {
	return []any{object{"Version": "2012-10-17", "Statement": object{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}}}
}

// rule is an authorizer with changes; a nil value takes a member away.
func rule(name string, changes object) object {
	o := object{"name": name, "signingDisabled": true, "principalId": name, "policyDocuments": anyPolicy()}
	for k, v := range changes {
		if o[k] = v; v == nil {
			delete(o, k)
		}
	}
	return o
}

func file(preset string, rules ...object) []byte {
	o := object{"authorizers": rules}
	if preset != "" {
		o["defaultAuthorizer"] = preset
	}
	text, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return text
}

func testRules(t testing.TB, preset string) *Rules {
	t.Helper()
	r, err := Parse(file(preset,
		rule("signed", object{"signingDisabled": false, "tokenKeyName": "MyToken", "tokenSigningPublicKeys": object{"a": authorizertest.PublicKey(t)}, "tokens": []string{token, "other"}}),
		rule("anytoken", object{"signingDisabled": nil, "tokenKeyName": "MyToken", "tokenSigningPublicKeys": object{"a": authorizertest.PublicKey(t)}, "disconnectAfterInSeconds": 300, "refreshAfterInSeconds": 86400}),
		rule("unsigned", object{"tokenKeyName": "token", "tokens": []string{token}}),
		rule("login", object{"logins": []object{{"username": "user", "password": password}, {"username": "", "password": "x"}}}),
		rule("both", object{"tokenKeyName": "token", "tokens": []string{token}, "logins": []object{{"username": "user", "password": password}}}),
		rule("anybody", nil),
	))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func query(pairs ...string) string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, pairs[i]+"="+url.QueryEscape(pairs[i+1]))
	}
	return strings.Join(out, "&")
}

const byName, bySignature = nameParameter, signatureParameter

// All rows are of 1.13; what they cite besides is the developer guide.
func TestUpgradeAndConnect(t *testing.T) {
	good := authorizertest.Sign(t, token)
	type loginData struct {
		username, password string
	}
	tests := []struct {
		name, preset string
		query        string
		header       http.Header
		login        *loginData // what CONNECT says where it is asked
		principal    string
		want         string // a part of the refusal
	}{
		{name: "signed token by query", query: query(byName, "signed", "MyToken", token, bySignature, good), principal: "signed"},
		{name: "by headers", header: http.Header{"X-Amz-Customauthorizer-Name": {"signed"}, "Mytoken": {token}, "X-Amz-Customauthorizer-Signature": {good}}, principal: "signed"},
		{name: "another accepted token", query: query(byName, "signed", "MyToken", "other", bySignature, authorizertest.Sign(t, "other")), principal: "signed"},
		{name: "signed, but not accepted", query: query(byName, "signed", "MyToken", "third", bySignature, authorizertest.Sign(t, "third")), want: "does not accept the token"},
		{name: "signature of another token", query: query(byName, "signed", "MyToken", token, bySignature, authorizertest.Sign(t, "other")), want: "is not a signature of the token"},
		{name: "signature not URL-encoded (custom-auth, HTTP)", query: query(byName, "signed", "MyToken", token) + "&" + bySignature + "=a+b=", want: "was it URL-encoded?"},
		{name: "signature missing", query: query(byName, "signed", "MyToken", token), want: bySignature + " is missing"},
		{name: "token missing", query: query(byName, "signed", bySignature, good), want: "no token under"},
		{name: "token under another key", query: query(byName, "signed", "token", token, bySignature, good), want: "no token under"},
		{name: "token twice", query: query(byName, "signed", "MyToken", token, "MyToken", token, bySignature, good), want: "the token is given twice"},
		{name: "signing is the default", query: query(byName, "anytoken", "MyToken", token), want: bySignature + " is missing"},
		{name: "any signed token", query: query(byName, "anytoken", "MyToken", "whatever", bySignature, authorizertest.Sign(t, "whatever")), principal: "anytoken"},
		{name: "unsigned token", query: query(byName, "unsigned", "token", token), principal: "unsigned"},
		{name: "wrong unsigned token", query: query(byName, "unsigned", "token", token+"x"), want: "does not accept the token"},
		{name: "unknown authorizer", query: query(byName, "none"), want: "unknown authorizer"},
		{name: "authorizer named twice", query: query(byName, "anybody", byName, "signed"), want: byName + " is given twice"},
		{name: "anybody", query: query(byName, "anybody"), principal: "anybody"},
		{name: "malformed query", query: "a=%zz", want: "malformed query"},

		{name: "token in the URL, login in CONNECT", query: query(byName, "both", "token", token), login: &loginData{"user", password}, principal: "both"},
		{name: "with the metrics of an SDK (1.14)", query: query(byName, "both", "token", token), login: &loginData{"user?SDK=x&Version=1", password}, principal: "both"},
		{name: "token in the URL, wrong login", query: query(byName, "both", "token", token), login: &loginData{"user", "x"}, want: "does not accept the user name and the password"},
		{name: "wrong token, login not asked", query: query(byName, "both", "token", "x"), want: "does not accept the token"},

		{name: "all in CONNECT", login: &loginData{"user?" + query(byName, "login"), password}, principal: "login"},
		{name: "empty user name", login: &loginData{"?" + query(byName, "login"), "x"}, principal: "login"},
		{name: "password of another user", login: &loginData{"?" + query(byName, "login"), password}, want: "does not accept the user name"},
		{name: "signed token in CONNECT", login: &loginData{"?" + query(byName, "signed", "MyToken", token, bySignature, good), ""}, principal: "signed"},
		{name: "bad signature in CONNECT", login: &loginData{"?" + query(byName, "signed", "MyToken", token, bySignature, "AAAA"), ""}, want: "is not a signature of the token"},
		{name: "nothing in CONNECT", login: &loginData{}, want: "there is no default one"},
		{name: "malformed query in CONNECT", login: &loginData{"user?a=%zz", ""}, want: "malformed query in the user name"},

		{name: "default authorizer (SetDefaultAuthorizer)", preset: "unsigned", query: query("token", token), principal: "unsigned"},
		{name: "default authorizer, wrong token", preset: "unsigned", query: query("token", "x"), want: "does not accept the token"},
		{name: "default authorizer in CONNECT", preset: "login", login: &loginData{"user", password}, principal: "login"},
		{name: "default authorizer, wrong login", preset: "login", login: &loginData{"user", ""}, want: "does not accept the user name"},
		{name: "another than the default", preset: "login", query: query(byName, "anybody"), principal: "anybody"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			q := httptest.NewRequest(http.MethodGet, "/mqtt?"+test.query, nil)
			if test.header != nil {
				q.Header = test.header
			}
			grant, login, err := testRules(t, test.preset).Upgrade(q)
			if (login != nil) != (test.login != nil) {
				t.Fatalf("CONNECT is asked: %v, %v", login != nil, err)
			}
			if login != nil {
				if grant.PrincipalID != "" || err != nil {
					t.Errorf("granted before CONNECT: %v %v", grant, err)
				}
				grant, err = login(test.login.username, []byte(test.login.password))
			}
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) || !errors.As(err, new(*Refusal)) || grant.PrincipalID != "" || grant.Policies != nil {
					t.Errorf("%v %v, want %q", grant, err, test.want)
				}
			} else if err != nil || grant.PrincipalID != test.principal || !grant.Policies.Allows(policy.Connect, "client/a", policy.Variables{}) {
				t.Errorf("%v %v, want %q", grant, err, test.principal)
			}
			for _, secret := range []string{token, password, good} {
				if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
					t.Errorf("shows %q: %#v", secret, err)
				}
			}
		})
	}
}

func TestLifetime(t *testing.T) {
	r := testRules(t, "")
	for name, want := range map[string]time.Duration{"anytoken": 300 * time.Second, "anybody": 24 * time.Hour} {
		if got := r.byName[name].grant.Lifetime; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWithoutRules(t *testing.T) {
	var none *Rules
	if _, login, err := none.Upgrade(httptest.NewRequest(http.MethodGet, "/mqtt", nil)); err == nil || login != nil {
		t.Error("accepted")
	}
}

func TestParseSaysWhere(t *testing.T) {
	const secret = "topsecret"
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip(err) // a build which makes no small keys refuses them too
	}
	smallPEM := authorizertest.PublicPEM(t, small.Public())
	one := func(changes object) string { return string(file("", rule("a", changes))) }
	long := anyPolicy()
	long[0].(object)["Id"] = strings.Repeat("x", 2048)
	for _, test := range []struct{ text, want string }{
		{"", "must be an object"},
		{"{}", "authorizers: is missing"},
		{`{"authorizers":[]}`, "authorizers: must not be empty"},
		{`{"authorizers":{}}`, "authorizers: must be an array"},
		{`{"Authorizers":[]}`, `unknown member "Authorizers", known are defaultAuthorizer, authorizers`},
		{string(file("b", rule("a", nil))), "defaultAuthorizer: is the name of no authorizer"},
		{string(file("", rule("a", nil), rule("a", nil))), "authorizers[1].name: is that of an earlier one too"},
		{one(object{"name": nil}), "authorizers[0].name: is missing"},
		{one(object{"name": secret + "!"}), "authorizers[0].name: must be 1 to 128 letters"},
		{one(object{"token": secret}), `authorizers[0]: unknown member "token", known are name`},
		{one(object{"tokens": secret}), "authorizers[0].tokens: must be an array of strings"},
		{one(object{"tokens": []string{secret}}), "authorizers[0].tokenKeyName: is missing while there are tokens"},
		{one(object{"tokens": []any{secret, 1}}), "authorizers[0].tokens[1]: must be a string"},
		{one(object{"tokenKeyName": secret + " "}), "authorizers[0].tokenKeyName: must be 1 to 128"},
		{one(object{"signingDisabled": nil}), "authorizers[0].tokenKeyName: is missing while signing is enabled"},
		{one(object{"signingDisabled": false, "tokenKeyName": "k"}), "authorizers[0].tokenSigningPublicKeys: is missing while signing is enabled"},
		{one(object{"signingDisabled": secret}), "authorizers[0].signingDisabled: must be true or false"},
		{one(object{"tokenSigningPublicKeys": object{"k": authorizertest.PublicKey(t)}}), "authorizers[0].tokenSigningPublicKeys: must not be given while signing is disabled"},
		{one(object{"tokenSigningPublicKeys": object{"k": "-----BEGIN PRIVATE KEY-----\n" + secret}}), "authorizers[0].tokenSigningPublicKeys.k: must be PEM text"},
		{one(object{"tokenSigningPublicKeys": object{"k": smallPEM}}), "authorizers[0].tokenSigningPublicKeys.k: must be an RSA key of 2048 bits or more"},
		{one(object{"logins": []any{}}), "authorizers[0].logins: must not be empty"},
		{one(object{"logins": []any{object{"username": secret}}}), "authorizers[0].logins[0]: needs username and password"},
		{one(object{"logins": []any{object{"username": secret, "password": 1}}}), "authorizers[0].logins[0].password: must be a string"},
		{one(object{"logins": []any{object{"user": secret}}}), `authorizers[0].logins[0]: unknown member "user"`},
		{one(object{"principalId": nil}), "authorizers[0].principalId: is missing"},
		{one(object{"principalId": "a-b"}), "authorizers[0].principalId: must be 1 to 128 letters and digits"},
		{one(object{"policyDocuments": nil}), "authorizers[0].policyDocuments: is missing"},
		{one(object{"policyDocuments": []any{}}), "authorizers[0].policyDocuments: must have 1 to 10 elements"},
		{one(object{"policyDocuments": []any{object{}}}), "authorizers[0].policyDocuments[0].Version: is missing"},
		{one(object{"policyDocuments": []any{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:X","Resource":"*"}}`}}), "authorizers[0].policyDocuments[0].Statement[0].Action: "},
		{one(object{"policyDocuments": long}), "authorizers[0].policyDocuments[0]: is longer than 2048 characters"},
		{one(object{"disconnectAfterInSeconds": 299}), "authorizers[0].disconnectAfterInSeconds: must be a whole number from 300 to 86400"},
		{one(object{"refreshAfterInSeconds": 86401}), "authorizers[0].refreshAfterInSeconds: must be a whole number from 300 to 86400"},
	} {
		_, err := Parse([]byte(test.text))
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || !errors.As(err, new(*strictjson.Error)) {
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		} else if strings.Contains(fmt.Sprintf("%v %#v", err, err), secret) {
			t.Errorf("shows a secret: %v", err)
		}
	}
}

func TestRulesHideTheirSecrets(t *testing.T) {
	r := testRules(t, "both")
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, r); strings.Contains(text, token) || strings.Contains(text, password) {
			t.Errorf("%s shows a secret: %s", verb, text)
		}
	}
}

func FuzzConnect(f *testing.F) {
	r := testRules(f, "both")
	f.Add("user?"+query(byName, "both", "token", token), []byte(password))
	f.Add("?"+query(byName, "signed", "MyToken", token, bySignature, authorizertest.Sign(f, token)), []byte(nil))
	f.Add("user?SDK=a&Version=1?", []byte("x"))
	f.Fuzz(func(t *testing.T, username string, password []byte) {
		if _, err := r.connect(username, password); err != nil && (len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\r\n")) {
			t.Errorf("not fit for a log: %q", err)
		}
	})
}
