package presign

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

var signingTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func example() Request {
	return Request{
		Endpoint:    "abc123-ats.iot.eu-west-1.amazonaws.com",
		Credentials: Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
	}
}

func TestURLShape(t *testing.T) {
	r := example()
	r.Credentials.SessionToken = "tok/en+with=signs"
	signed, err := URL(r, signingTime)
	if err != nil {
		t.Fatal(err)
	}
	const want = "wss://abc123-ats.iot.eu-west-1.amazonaws.com/mqtt?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=AKIDEXAMPLE%2F20260304%2Feu-west-1%2Fiotdevicegateway%2Faws4_request" +
		"&X-Amz-Date=20260304T050607Z&X-Amz-SignedHeaders=host&X-Amz-Signature="
	if !strings.HasPrefix(signed, want) {
		t.Errorf("URL = %q, want prefix %q", signed, want)
	}
	if !strings.HasSuffix(signed, "&X-Amz-Security-Token=tok%2Fen%2Bwith%3Dsigns") {
		t.Errorf("URL %q does not end with the session token", signed)
	}
}

func TestSessionTokenIsNotSigned(t *testing.T) {
	r := example()
	without, err := URL(r, signingTime)
	if err != nil {
		t.Fatal(err)
	}
	r.Credentials.SessionToken = "token"
	with, err := URL(r, signingTime)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := strings.CutSuffix(with, "&X-Amz-Security-Token=token"); got != without {
		t.Errorf("the token changed the signature:\n%s\n%s", with, without)
	}
}

// A signer that is kept answers with the old key when only the secret changed.
func TestSecretCountsEachTime(t *testing.T) {
	r := example()
	first, _ := URL(r, signingTime)
	r.Credentials.SecretAccessKey = "another"
	second, _ := URL(r, signingTime)
	if first == second {
		t.Error("two secrets gave one signature")
	}
}

func TestEndpointForms(t *testing.T) {
	for _, tc := range []struct{ endpoint, wantPrefix string }{
		{"abc-ats.iot.us-east-1.amazonaws.com", "wss://abc-ats.iot.us-east-1.amazonaws.com/mqtt?"},
		{"ABC-ats.iot.us-east-1.amazonaws.com", "wss://abc-ats.iot.us-east-1.amazonaws.com/mqtt?"},
		{"abc-ats.iot.us-east-1.amazonaws.com:443", "wss://abc-ats.iot.us-east-1.amazonaws.com/mqtt?"},
		{"wss://abc-ats.iot.us-east-1.amazonaws.com:443/mqtt", "wss://abc-ats.iot.us-east-1.amazonaws.com/mqtt?"},
		{"wss://abc-ats.iot.us-east-1.amazonaws.com:8443/", "wss://abc-ats.iot.us-east-1.amazonaws.com:8443/mqtt?"},
		{"ws://localhost:8080", "ws://localhost:8080/mqtt?"},
		{"ws://localhost:80", "ws://localhost/mqtt?"},
		{"ws://127.0.0.1:9", "ws://127.0.0.1:9/mqtt?"},
		{"ws://[::1]:8080", "ws://[::1]:8080/mqtt?"},
		{"WSS://iot.example.com", "wss://iot.example.com/mqtt?"},
		{"localhost:8080", "wss://localhost:8080/mqtt?"},
	} {
		r := example()
		r.Endpoint, r.Region = tc.endpoint, "us-east-1"
		got, err := URL(r, signingTime)
		if err != nil || !strings.HasPrefix(got, tc.wantPrefix) {
			t.Errorf("endpoint %q: URL = %q, %v, want prefix %q", tc.endpoint, got, err, tc.wantPrefix)
		}
	}
}

func TestRegionFromEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"abc-ats.iot.ap-northeast-1.amazonaws.com":       "ap-northeast-1",
		"abc.iot.us-east-1.amazonaws.com":                "us-east-1",
		"abc.ats.iot.cn-north-1.amazonaws.com.cn":        "cn-north-1",
		"data.iot-fips.us-gov-west-1.amazonaws.com":      "us-gov-west-1",
		"vpce-1-x.data.iot.eu-west-1.vpce.amazonaws.com": "eu-west-1",
		"iot.example.com":                                "",
		"iot.us-east-1.example.com":                      "",
		"localhost":                                      "",
	} {
		if got := endpointRegion(endpoint); got != want {
			t.Errorf("endpointRegion(%q) = %q, want %q", endpoint, got, want)
		}
	}
}

func TestBadRequests(t *testing.T) {
	for _, tc := range []struct {
		name, field string
		change      func(*Request)
	}{
		{"no endpoint", "endpoint", func(r *Request) { r.Endpoint = "" }},
		{"spaces", "endpoint", func(r *Request) { r.Endpoint = "not a host" }},
		{"path", "endpoint", func(r *Request) { r.Endpoint = "wss://h.example/other" }},
		{"query", "endpoint", func(r *Request) { r.Endpoint = "wss://h.example/mqtt?x=1" }},
		{"user", "endpoint", func(r *Request) { r.Endpoint = "wss://u:p@h.example/mqtt" }},
		{"scheme", "endpoint", func(r *Request) { r.Endpoint = "https://h.example" }},
		{"foreign ws", "endpoint", func(r *Request) { r.Endpoint = "ws://h.example" }},
		{"loopback look-alike", "endpoint", func(r *Request) { r.Endpoint = "ws://localhost.example.com" }},
		{"port 0", "endpoint", func(r *Request) { r.Endpoint = "h.example:0" }},
		{"port too high", "endpoint", func(r *Request) { r.Endpoint = "h.example:70000" }},
		{"empty label", "endpoint", func(r *Request) { r.Endpoint = "a..b" }},
		{"region unknown", "region", func(r *Request) { r.Endpoint = "iot.example.com" }},
		{"region malformed", "region", func(r *Request) { r.Region = "EU West" }},
		{"region contradicts", "region", func(r *Request) { r.Region = "us-east-1" }},
		{"no key id", "credentials.accessKeyId", func(r *Request) { r.Credentials.AccessKeyID = "" }},
		{"no secret", "credentials.secretAccessKey", func(r *Request) { r.Credentials.SecretAccessKey = "" }},
		{"secret with line end", "credentials.secretAccessKey", func(r *Request) { r.Credentials.SecretAccessKey += "\n" }},
		{"key id with space", "credentials.accessKeyId", func(r *Request) { r.Credentials.AccessKeyID += " " }},
		{"temporary without token", "credentials.sessionToken", func(r *Request) { r.Credentials.AccessKeyID = "ASIAEXAMPLE" }},
		{"expires too long", "expires", func(r *Request) { r.Expires = 604801 * time.Second }},
		{"expires too short", "expires", func(r *Request) { r.Expires = time.Millisecond }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := example()
			tc.change(&r)
			_, err := URL(r, signingTime)
			var fe *FieldError
			if !errors.As(err, &fe) || fe.Field != tc.field {
				t.Fatalf("error = %v, want one of field %s", err, tc.field)
			}
			for _, secret := range []string{"wJalrXUtnFEMI", "AKIDEXAMPLE", "ASIAEXAMPLE"} {
				if strings.Contains(fmt.Sprintf("%v %+v %#v %v %#v", err, err, err, r, r), secret) {
					t.Errorf("%q appears in %v", secret, err)
				}
			}
		})
	}
}

func TestExpiresIsSigned(t *testing.T) {
	r := example()
	plain, _ := URL(r, signingTime)
	r.Expires = 300 * time.Second
	signed, err := URL(r, signingTime)
	if err != nil {
		t.Fatal(err)
	}
	p, _ := url.Parse(plain)
	s, _ := url.Parse(signed)
	if got := s.Query().Get("X-Amz-Expires"); got != "300" {
		t.Errorf("X-Amz-Expires = %q, want 300", got)
	}
	if p.Query().Get("X-Amz-Signature") == s.Query().Get("X-Amz-Signature") {
		t.Error("X-Amz-Expires is not part of what is signed")
	}
}

func TestCheckURL(t *testing.T) {
	for raw, ok := range map[string]bool{
		"wss://broker.example/mqtt":        true,
		"wss://broker.example:8084/mqtt?x": true,
		"ws://localhost:9001":              true,
		"ws://127.0.0.1:9001/mqtt":         true,
		"ws://[::1]:9001/":                 true,
		"ws://broker.example":              false,
		"http://localhost":                 false,
		"mqtt://localhost":                 false,
		"localhost:9001":                   false,
		"":                                 false,
		"wss://a/b#c":                      false,
	} {
		if err := CheckURL(raw); (err == nil) != ok {
			t.Errorf("CheckURL(%q) = %v, want ok %v", raw, err, ok)
		}
	}
}
