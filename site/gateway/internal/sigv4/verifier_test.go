package sigv4

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// signing is one way to sign; zero fields take the defaults of sign.
type signing struct {
	keyID, secret, token, region, service, host, query string
	signToken                                          bool
	header                                             http.Header
	date                                               time.Time
}

// sign returns the request which a client of the AWS SDK's signer would send.
func sign(t testing.TB, s signing) *http.Request {
	t.Helper()
	request := &http.Request{
		Method: http.MethodGet, Host: s.host, Header: s.header.Clone(),
		URL: &url.URL{Scheme: "wss", Host: s.host, Path: "/mqtt", RawQuery: s.query},
	}
	if request.Header == nil {
		request.Header = http.Header{}
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableSessionToken = !s.signToken })
	signed, _, err := signer.PresignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: s.keyID, SecretAccessKey: s.secret, SessionToken: s.token},
		request, emptyHash, s.service, s.region, s.date)
	if err != nil {
		t.Fatal(err)
	}
	if s.token != "" && !s.signToken {
		signed += "&X-Amz-Security-Token=" + url.QueryEscape(s.token)
	}
	return received(t, signed, s.host, s.header)
}

// received is the request as a server's net/http would hand it over.
func received(t testing.TB, signed, host string, header http.Header) *http.Request {
	t.Helper()
	_, target, _ := strings.Cut(signed, "//")
	u, err := url.ParseRequestURI(target[strings.Index(target, "/"):])
	if err != nil {
		t.Fatal(err)
	}
	if header == nil {
		header = http.Header{}
	}
	return &http.Request{Method: http.MethodGet, Host: host, URL: u, Header: header}
}

func pick(random *rand.Rand, alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[random.IntN(len(alphabet))]
	}
	return string(out)
}

func randomSigning(random *rand.Rand) signing {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	hosts := []string{"localhost:8080", "127.0.0.1:49152", "[::1]:8080", "abc-ats.iot.us-east-1.amazonaws.com", "my.localhost:1"}
	queries := []string{"", "X-Amz-Expires=300", "X-Amz-Expires=604800", "x=%20y&a=1", "b=2&a=1&a=0", "SDK=iot%2B%2F&Version=1"}
	s := signing{
		keyID:   "AKIA" + pick(random, letters, 16),
		secret:  pick(random, letters+"abcdefghijklm/+=!\"$%&'()* ~äö", 40),
		region:  []string{"us-east-1", "ap-northeast-1", "cn-north-1"}[random.IntN(3)],
		service: Service,
		host:    hosts[random.IntN(len(hosts))],
		query:   queries[random.IntN(len(queries))],
		date:    time.Unix(1_600_000_000+random.Int64N(500_000_000), 0).UTC(),
	}
	if random.IntN(2) == 0 {
		s.keyID = "ASIA" + s.keyID[4:]
		s.token = pick(random, letters+"abcdefghijklm/+=", 1+random.IntN(900))
	}
	return s
}

// keys are access keys by their ids.
type keys map[string]Credentials

func (k keys) Find(id string) (Credentials, bool) {
	c, ok := k[id]
	return c, ok
}

// verifier knows the access key of s, which expires a day after it signs.
func verifier(s signing) *Verifier {
	c := NewCredentials(s.keyID, s.secret)
	if s.token != "" {
		c = NewTemporaryCredentials(s.keyID, s.secret, s.token, s.date.Add(24*time.Hour))
	}
	return &Verifier{Keys: keys{s.keyID: c}, Region: s.region}
}

func verify(v *Verifier, r *http.Request, now time.Time) error {
	_, err := v.Verify(r, now)
	return err
}

func TestVerifyAgainstTheSDKsSigner(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	swap := func(r *http.Request, old, new string) *http.Request {
		if !strings.Contains(r.URL.RawQuery, old) {
			t.Fatalf("nothing to tamper with: %s", old)
		}
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, new, 1)
		return r
	}
	tampers := map[string]func(s signing, r *http.Request) *http.Request{
		"signature": func(_ signing, r *http.Request) *http.Request {
			i := strings.Index(r.URL.RawQuery, "X-Amz-Signature=") + len("X-Amz-Signature=")
			flipped := "0"
			if r.URL.RawQuery[i] == '0' {
				flipped = "1"
			}
			r.URL.RawQuery = r.URL.RawQuery[:i] + flipped + r.URL.RawQuery[i+1:]
			return r
		},
		"date": func(s signing, r *http.Request) *http.Request {
			return swap(r, s.date.Format(timeFormat), s.date.Truncate(time.Minute).Add(61*time.Second).Format(timeFormat))
		},
		"scope date": func(s signing, r *http.Request) *http.Request {
			return swap(r, "%2F"+s.date.Format("20060102"), "%2F20010101")
		},
		"region":  func(s signing, r *http.Request) *http.Request { return swap(r, s.region, "eu-west-1") },
		"key id":  func(s signing, r *http.Request) *http.Request { return swap(r, s.keyID, s.keyID+"A") },
		"service": func(_ signing, r *http.Request) *http.Request { return swap(r, Service, "iotdata") },
		"host":    func(_ signing, r *http.Request) *http.Request { r.Host = "other.localhost:8080"; return r },
		"path":    func(_ signing, r *http.Request) *http.Request { r.URL.Path = "/mqtt2"; return r },
		"method":  func(_ signing, r *http.Request) *http.Request { r.Method = http.MethodPost; return r },
		"extra parameter": func(_ signing, r *http.Request) *http.Request {
			r.URL.RawQuery += "&extra=1"
			return r
		},
		"no host among the signed headers": func(_ signing, r *http.Request) *http.Request {
			return swap(r, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=connection")
		},
		"unsigned header in the list": func(_ signing, r *http.Request) *http.Request {
			return swap(r, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=host%3Bx-other")
		},
		"duplicated parameter": func(s signing, r *http.Request) *http.Request {
			r.URL.RawQuery += "&X-Amz-Date=" + s.date.Format(timeFormat)
			return r
		},
		"duplicated parameter, encoded": func(_ signing, r *http.Request) *http.Request {
			r.URL.RawQuery += "&X-Amz%2DSignedHeaders=host"
			return r
		},
		"algorithm": func(_ signing, r *http.Request) *http.Request { return swap(r, algorithm, "AWS4-HMAC-SHA1") },
		"broken escape": func(_ signing, r *http.Request) *http.Request {
			r.URL.RawQuery += "&x=%zz"
			return r
		},
		"no signature": func(_ signing, r *http.Request) *http.Request {
			return swap(r, "X-Amz-Signature=", "X-Amz-Signatur=")
		},
		"empty query": func(_ signing, r *http.Request) *http.Request { r.URL.RawQuery = ""; return r },
		"expires added": func(s signing, r *http.Request) *http.Request {
			if strings.Contains(s.query, paramExpires) {
				return swap(r, "X-Amz-Expires=", "X-Amz-Expires=1")
			}
			r.URL.RawQuery += "&X-Amz-Expires=60"
			return r
		},
	}
	for range 300 {
		s := randomSigning(random)
		now := s.date.Add(time.Duration(random.IntN(599)-299) * time.Second)
		if err := verify(verifier(s), sign(t, s), now); err != nil {
			t.Fatalf("good request refused: %v\n%+v", err, s)
		}
		for name, tamper := range tampers {
			err := verify(verifier(s), tamper(s, sign(t, s)), now)
			if refusal := new(Refusal); !errors.As(err, &refusal) {
				t.Errorf("%s: accepted: %+v", name, s)
			} else if s.token != "" && len(s.token) > 8 && strings.Contains(err.Error(), s.token) {
				t.Errorf("%s: the reason shows the token", name)
			}
		}
		for _, off := range []time.Duration{time.Hour, -time.Hour, 301 * time.Second, -301 * time.Second} {
			if err := verify(verifier(s), sign(t, s), s.date.Add(off)); err == nil {
				t.Errorf("clock %v off: accepted", off)
			}
		}
		wrong := s
		wrong.secret += "x"
		if err := verify(verifier(wrong), sign(t, s), now); err == nil {
			t.Error("wrong secret: accepted")
		}
	}
}

func base() signing {
	return signing{
		keyID: "AKIDEXAMPLE", secret: "secret", region: "us-east-1", service: Service,
		host: "localhost:8080", date: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	}
}

func TestVerifyAcceptsEveryClientsForm(t *testing.T) {
	tests := map[string]func(*signing) *http.Request{
		"host signed without its port": func(s *signing) *http.Request {
			s.host = "localhost"
			r := sign(t, *s)
			r.Host = "localhost:8080"
			return r
		},
		"IPv6 host signed without its port": func(s *signing) *http.Request {
			s.host = "[::1]"
			r := sign(t, *s)
			r.Host = "[::1]:8080"
			return r
		},
		"host signed with the default port": func(s *signing) *http.Request {
			s.host = "localhost:80"
			r := sign(t, *s)
			r.Host = "localhost"
			return r
		},
		"host in capitals": func(s *signing) *http.Request {
			r := sign(t, *s)
			r.Host = "LocalHost:8080"
			return r
		},
		"token before the signature": func(s *signing) *http.Request {
			s.keyID, s.token = "ASIAEXAMPLE", "a+b="
			r := sign(t, *s)
			query, token, _ := strings.Cut(r.URL.RawQuery, "&X-Amz-Security-Token=")
			r.URL.RawQuery = "X-Amz-Security-Token=" + token + "&" + query
			return r
		},
		"several values and spaces in a signed header": func(s *signing) *http.Request {
			s.header = http.Header{"X-Meta": {"  b   c ", "a"}}
			r := sign(t, *s)
			r.Header = s.header
			return r
		},
		"parameters in another order": func(s *signing) *http.Request {
			r := sign(t, *s)
			pieces := strings.Split(r.URL.RawQuery, "&")
			for i, j := 0, len(pieces)-1; i < j; i, j = i+1, j-1 {
				pieces[i], pieces[j] = pieces[j], pieces[i]
			}
			r.URL.RawQuery = strings.Join(pieces, "&")
			return r
		},
		"slashes of the scope not encoded": func(s *signing) *http.Request {
			r := sign(t, *s)
			r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "%2F", "/")
			return r
		},
	}
	for name, build := range tests {
		t.Run(name, func(t *testing.T) {
			s := base()
			request := build(&s)
			if err := verify(verifier(s), request, s.date); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestVerifySaysWhy(t *testing.T) {
	tests := map[string]struct {
		change func(*signing)
		off    time.Duration
		want   string
	}{
		"secret":       {change: func(s *signing) { s.secret = "other" }, want: "signature mismatch"},
		"clock":        {off: time.Hour, want: "date 1h0m0s away from this machine's clock"},
		"region":       {change: func(s *signing) { s.region = "eu-west-1" }, want: "region is eu-west-1, this gateway is us-east-1"},
		"hostile":      {change: func(s *signing) { s.region = "eu\nlevel=ERROR" }, want: "malformed region"},
		"service":      {change: func(s *signing) { s.service = "iotdata" }, want: "service is iotdata"},
		"key id":       {change: func(s *signing) { s.keyID = "AKIDOTHER" }, want: "unknown access key id"},
		"expires":      {change: func(s *signing) { s.query = "X-Amz-Expires=604801" }, want: "X-Amz-Expires is not"},
		"signed token": {change: func(s *signing) { s.token, s.signToken = "to+ken=", true }, want: "the session token was signed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := base()
			good := s
			if test.change != nil {
				test.change(&s)
			}
			err := verify(verifier(good), sign(t, s), s.date.Add(test.off))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCredentialsHideTheirSecret(t *testing.T) {
	const secret, token = "wJalrXUtnFEMI", "IQoJb3JpZ2lu"
	c := NewTemporaryCredentials("ASIAEXAMPLE", secret, token, time.Time{})
	inside := struct {
		credentials Credentials
		pointer     *Credentials
		Verifier    *Verifier
		List        []Credentials
	}{c, &c, &Verifier{Keys: keys{"ASIAEXAMPLE": c}}, []Credentials{c}}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "c", c, "p", &c, "in", inside)
	texts := []string{log.String(), c.String(), c.GoString()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, inside), fmt.Sprintf(verb, &inside))
	}
	for _, text := range texts {
		for _, hidden := range []string{secret, token} {
			if strings.Contains(text, hidden) || strings.Contains(text, fmt.Sprintf("%x", hidden)) {
				t.Errorf("shows %s: %s", hidden, text)
			}
		}
	}
	if c.SecretAccessKey() != secret || c.SessionToken() != token {
		t.Error("a secret is lost")
	}
}

func FuzzVerify(f *testing.F) {
	s := base()
	good := sign(f, s).URL.RawQuery
	for _, seed := range []string{good, "", "&&=&", "%", "a=%4", strings.ReplaceAll(good, "&", ";"), good + "&X-Amz-Security-Token=a+b"} {
		f.Add(seed, s.host)
	}
	f.Fuzz(func(t *testing.T, query, host string) {
		r := &http.Request{Method: http.MethodGet, Host: host, URL: &url.URL{Path: "/mqtt", RawQuery: query}, Header: http.Header{}}
		err := verify(verifier(s), r, s.date)
		if _, dataErr := verifier(s).VerifyData(r, nil, s.date); (dataErr == nil) != (err == nil) {
			t.Errorf("as an upgrade %v, as a request of the data API %v", err, dataErr)
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 200) {
			t.Errorf("reason not fit for a log: %q", err)
		}
	})
}
