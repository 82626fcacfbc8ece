package sigv4

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// What AWS answers these with is one 403 for all (1.6); the reasons are the gateway's.
func TestAccessKeysAndTokens(t *testing.T) {
	const token = "IQoJb3JpZ2luX2VjE+/=="
	expires := base().date.Add(time.Hour)
	v := &Verifier{Region: "us-east-1", Keys: keys{
		"AKIDONE":     NewCredentials("AKIDONE", "one"),
		"AKIDTWO":     NewCredentials("AKIDTWO", "two"),
		"ASIAISSUED":  NewTemporaryCredentials("ASIAISSUED", "three", token, expires),
		"ASIAANOTHER": NewTemporaryCredentials("ASIAANOTHER", "four", token+"4", expires),
	}}
	for name, test := range map[string]struct {
		keyID, secret, token string
		after                time.Duration
		want                 string // nothing: accepted
	}{
		"first key":                      {keyID: "AKIDONE", secret: "one"},
		"second key":                     {keyID: "AKIDTWO", secret: "two"},
		"secret of another key":          {keyID: "AKIDTWO", secret: "one", want: "signature mismatch"},
		"temporary":                      {keyID: "ASIAISSUED", secret: "three", token: token},
		"temporary without token":        {keyID: "ASIAISSUED", secret: "three", want: "temporary credentials need their session token"},
		"token of another key":           {keyID: "ASIAISSUED", secret: "three", token: token + "4", want: "the session token is not that of the access key"},
		"wrong secret and wrong token":   {keyID: "ASIAISSUED", secret: "one", token: "x", want: "signature mismatch"},
		"expired":                        {keyID: "ASIAISSUED", secret: "three", token: token, after: time.Hour, want: "have expired, at 2026-03-01T13:00:00Z"},
		"a second before":                {keyID: "ASIAISSUED", secret: "three", token: token, after: time.Hour - time.Second},
		"permanent with token":           {keyID: "AKIDONE", secret: "one", token: token, want: "a session token came with a permanent access key"},
		"unknown":                        {keyID: "AKIDNONE", secret: "one", want: "unknown access key id"},
		"unknown temporary":              {keyID: "ASIANONE", secret: "one", token: token, want: "did not issue it"},
		"unknown temporary, no token":    {keyID: "ASIANONE", secret: "one", want: "no session token"},
		"id that is a prefix of a key's": {keyID: "AKIDON", secret: "one", want: "unknown access key id"},
	} {
		t.Run(name, func(t *testing.T) {
			s := base()
			s.keyID, s.secret, s.token, s.date = test.keyID, test.secret, test.token, s.date.Add(test.after)
			c, err := v.Verify(sign(t, s), s.date)
			switch {
			case test.want == "" && (err != nil || c.AccessKeyID != test.keyID):
				t.Errorf("%v %v", c, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || c.AccessKeyID != ""):
				t.Errorf("%v, want %q", err, test.want)
			case err != nil && (strings.Contains(err.Error(), token) || strings.Contains(err.Error(), test.secret+"x")):
				t.Errorf("shows a secret: %v", err)
			}
		})
	}
}

func TestDataServiceIsOptIn(t *testing.T) { // 1.3
	s := base()
	v := verifier(s)
	s.service = DataService
	if err := verify(v, sign(t, s), s.date); err == nil {
		t.Error("accepted without being asked to")
	}
	v.AcceptData = true
	if err := verify(v, sign(t, s), s.date); err != nil {
		t.Error(err)
	}
	if s.service = Service; verify(v, sign(t, s), s.date) != nil {
		t.Error("its own service is refused")
	}
	if s.service = "s3"; verify(v, sign(t, s), s.date) == nil {
		t.Error("any service is accepted")
	}
}

func TestIsSigned(t *testing.T) {
	for query, want := range map[string]bool{
		"": false, "token=a": false, "x-amz-customauthorizer-name=a&X-Amz-Other=1": false,
		"X-Amz-Signature=": true, "a=b&X%2DAmz-Algorithm=x": true, "X-Amz-Security-Token=x": true,
	} {
		r := received(t, "ws://h/mqtt?"+query, "h", nil)
		if got := IsSigned(r); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
	if IsSigned(received(t, "ws://h/mqtt?"+url.QueryEscape("X-Amz-Date=1"), "h", nil)) {
		t.Error("a name with an equals sign in it")
	}
}
