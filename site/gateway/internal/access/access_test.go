package access

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"iotwasm/site/gateway/internal/authorizer"
	"iotwasm/site/gateway/internal/authorizer/authorizertest"
	"iotwasm/site/gateway/internal/credentials"
	"iotwasm/site/gateway/internal/logtest"
	"iotwasm/site/gateway/internal/loopback"
	"iotwasm/site/gateway/internal/mqttws"
	"iotwasm/site/gateway/internal/policy"
	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/shadowapi"
	"iotwasm/site/gateway/internal/sigv4"
	"iotwasm/site/gateway/internal/web"
)

const (
	keyID     = "AKIDEXAMPLE"
	secret    = "se/cret+="
	password  = "pass+word/="
	pageToken = "page/token+="
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	uuid      = `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// server is the gateway without its broker.
type server struct {
	host   string
	clock  *clock
	log    *logtest.Buffer
	gate   *Gate
	site   http.Handler
	opened chan mqttws.Identity
	serve  func(*mqttws.Conn) error // what happens to a connection; nil: nothing
	secure bool                     // over TLS
}

func rules(t testing.TB) *authorizer.Rules {
	t.Helper()
	type object = map[string]any
	policies := []any{object{"Version": "2012-10-17", "Statement": object{
		"Effect": "Allow", "Action": []string{"iot:Connect", "iot:Publish"}, "Resource": []string{"arn:aws:iot:us-east-1:*:client/page-*", "arn:aws:iot:us-east-1:*:topic/${iot:ClientId}/*"},
	}}}
	text, err := json.Marshal(object{"authorizers": []object{
		{"name": "pages", "tokenKeyName": "pageToken", "tokenSigningPublicKeys": object{"a": authorizertest.PublicKey(t)}, "principalId": "page", "policyDocuments": policies, "disconnectAfterInSeconds": 300},
		{"name": "users", "signingDisabled": true, "logins": []object{{"username": "user", "password": password}}, "principalId": "user", "policyDocuments": policies},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := authorizer.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newServer(t testing.TB, authorizers *authorizer.Rules) *server {
	t.Helper()
	s := &server{clock: &clock{at: start}, log: &logtest.Buffer{}, opened: make(chan mqttws.Identity, 100)}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	store, err := credentials.NewStore(sigv4.NewCredentials(keyID, secret), sigv4.NewCredentials("AKIDSECOND", secret+"2"))
	if err != nil {
		t.Fatal(err)
	}
	s.gate = &Gate{
		Verifier: &sigv4.Verifier{Keys: store, Region: "us-east-1"}, Policies: policy.AllowAll(), Authorizers: authorizers, Now: s.clock.now,
	}
	desk := shadow.NewDesk(shadow.NewService(shadow.DefaultLimits(), shadow.CreationFault{}), s.clock.now, log)
	desk.Publish = func(shadow.Message) {}
	s.site = (&web.Site{
		Dir: t.TempDir(), PackageDir: t.TempDir(), MQTTPath: mqttws.Path, Log: log,
		MQTT: &mqttws.Handler{Identify: s.gate.Identify, Log: log, Serve: func(_ context.Context, conn *mqttws.Conn, identity mqttws.Identity) error {
			s.opened <- identity
			if s.serve == nil {
				return nil
			}
			return s.serve(conn)
		}},
		APIs: map[string]http.Handler{
			"/credentials": &credentials.Handler{Store: store, Duration: credentials.DefaultDuration, Now: s.clock.now, Log: log},
			"/things/":     &shadowapi.Handler{Desk: desk, Verifier: &shadowapi.Signatures{Region: "us-east-1", Keys: store}, Now: s.clock.now, Log: log},
		},
	}).Handler()
	return s
}

func (s *server) listen(t *testing.T) {
	t.Helper()
	h := httptest.NewUnstartedServer(s.site)
	if s.secure {
		h.StartTLS()
	} else {
		h.Start()
	}
	t.Cleanup(h.Close)
	s.host = h.Listener.Addr().String()
}

func (s *server) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if s.secure {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	return conn
}

// signing is how a client signs; its zero values stand for the right ones.
type signing struct {
	keyID, secret, token, region, service, host, path, query, hash string
	date                                                           time.Time
	signToken                                                      bool
	header                                                         http.Header
}

// sign returns the path and the query which AWS's own SDK signs.
func (s *server) sign(t testing.TB, o signing) string {
	t.Helper()
	set := func(value *string, preset string) {
		if *value == "" {
			*value = preset
		}
	}
	set(&o.keyID, keyID)
	set(&o.secret, secret)
	set(&o.region, "us-east-1")
	set(&o.service, "iotdevicegateway")
	set(&o.host, s.host)
	set(&o.path, mqttws.Path)
	set(&o.hash, emptyHash)
	if o.date.IsZero() {
		o.date = s.clock.now()
	}
	r := &http.Request{Method: http.MethodGet, Host: o.host, Header: o.header, URL: &url.URL{Scheme: "ws", Host: o.host, Path: o.path, RawQuery: o.query}}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	signer := v4.NewSigner(func(options *v4.SignerOptions) { options.DisableSessionToken = !o.signToken })
	signed, _, err := signer.PresignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: o.keyID, SecretAccessKey: o.secret, SessionToken: o.token}, r, o.hash, o.service, o.region, o.date)
	if err != nil {
		t.Fatal(err)
	}
	if o.token != "" && !o.signToken {
		signed += "&X-Amz-Security-Token=" + url.QueryEscape(o.token)
	}
	return "/mqtt" + signed[strings.Index(signed, "?"):]
}

// signedGet is the text of a request whose Authorization header AWS's own SDK makes.
func (s *server) signedGet(t testing.TB, target, service string) string {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.host+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}, r, emptyHash, service, "us-east-1", s.clock.now()); err != nil {
		t.Fatal(err)
	}
	return "GET " + target + " HTTP/1.1\r\nHost: " + s.host + "\r\nX-Amz-Date: " + r.Header.Get("X-Amz-Date") + "\r\nAuthorization: " + r.Header.Get("Authorization") + "\r\n\r\n"
}

// upgrade is the text of a request.
func upgrade(host, target string, more ...string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + strings.Join(more, "") + "\r\n"
}

// exchange sends a request as it stands, and returns head and body of the answer.
func (s *server) exchange(t *testing.T, request string) (status int, head, body string) {
	t.Helper()
	conn := s.dial(t)
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	response, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &answer)), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusSwitchingProtocols {
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(content)
	}
	head, _, _ = strings.Cut(answer.String(), "\r\n\r\n")
	return response.StatusCode, head + "\r\n", body
}

// issue asks for temporary credentials as a page does.
func (s *server) issue(t *testing.T, query string) signing {
	t.Helper()
	_, _, body := s.exchange(t, "GET /credentials"+query+" HTTP/1.1\r\nHost: "+s.host+"\r\nOrigin: http://localhost:5173\r\n\r\n")
	var c struct{ AccessKeyID, SecretAccessKey, SessionToken, Expiration string }
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if _, err := time.Parse(time.RFC3339, c.Expiration); err != nil {
		t.Error(err)
	}
	return signing{keyID: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
}

var refusal = []*regexp.Regexp{ // 1.6
	regexp.MustCompile(`^HTTP/1\.1 403 Forbidden\r\n`),
	regexp.MustCompile(`(?i)\r\ncontent-type: application/json\r\n`),
	regexp.MustCompile(`(?i)\r\ncontent-length: \d+\r\n`),
	regexp.MustCompile(`(?i)\r\ndate: `),
	regexp.MustCompile(`(?i)\r\nconnection: keep-alive\r\n`),
	regexp.MustCompile(`\r\nx-amzn-RequestId: ` + uuid + `\r\n`),
	regexp.MustCompile(`\r\nx-amzn-ErrorType: ForbiddenException:\r\n`),
}

var refusalBody = regexp.MustCompile(`^{"message":"Forbidden","traceId":"` + uuid + `"}$`)

// TestHandshake has a row for each fact of section 1 of the reference (aws-iot.md) that an
// upgrade can show. Names cite it; those without a number are rules of the gateway's own.
// What shows later is in TestFrames, in the gateway's clients_test.go (1.14), in tlscert
// (1.12) and in broker (1.11, 1.15).
func TestHandshake(t *testing.T) {
	s, data, secure := newServer(t, nil), newServer(t, nil), newServer(t, nil)
	data.gate.Verifier.AcceptData = true
	secure.secure = true
	for _, each := range []*server{s, data, secure} {
		each.listen(t)
	}
	_, port, _ := net.SplitHostPort(s.host)
	temporary, short := s.issue(t, ""), s.issue(t, "?duration=60")
	with := func(c signing, change func(*signing)) signing { change(&c); return c }
	swap := func(target, old, new string) string {
		if !strings.Contains(target, old) {
			t.Fatalf("no %s in %s", old, target)
		}
		return strings.Replace(target, old, new, 1)
	}
	tokenFirst := func(target string) string {
		query, token, _ := strings.Cut(strings.TrimPrefix(target, "/mqtt?"), "&X-Amz-Security-Token=")
		return "/mqtt?X-Amz-Security-Token=" + token + "&" + query
	}
	tokenBeforeSignature := func(target string) string {
		query, token, _ := strings.Cut(target, "&X-Amz-Security-Token=")
		return swap(query, "&X-Amz-Signature=", "&X-Amz-Security-Token="+token+"&X-Amz-Signature=")
	}
	reversed := func(target string) string {
		parameters := strings.Split(strings.TrimPrefix(target, "/mqtt?"), "&")
		slices.Reverse(parameters)
		return "/mqtt?" + strings.Join(parameters, "&")
	}
	ok, refused := http.StatusSwitchingProtocols, http.StatusForbidden
	tests := []struct {
		name    string
		request string
		status  int
		head    string // in the head of an upgrade
		reason  string // in the log of a refusal
		on      *server
	}{
		{"1.1 recipe", upgrade(s.host, s.sign(t, signing{})), ok, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "", s},
		{"1.1 another access key", upgrade(s.host, s.sign(t, signing{keyID: "AKIDSECOND", secret: secret + "2"})), ok, "", "", s},
		{"1.1 unknown access key", upgrade(s.host, s.sign(t, signing{keyID: "AKIDTHIRD"})), refused, "", "unknown access key id", s},
		{"1.1 wrong secret", upgrade(s.host, s.sign(t, signing{secret: "wrong"})), refused, "", "signature mismatch", s},
		{"1.1 host in capitals", upgrade("LocalHost:"+port, s.sign(t, signing{host: "localhost:" + port})), ok, "", "", s},
		{"1.1 another payload", upgrade(s.host, s.sign(t, signing{hash: "UNSIGNED-PAYLOAD"})), refused, "", "signature mismatch", s},
		{"1.1 parameters in another order", upgrade(s.host, reversed(s.sign(t, signing{}))), ok, "", "", s},
		{"1.1 wrong region", upgrade(s.host, s.sign(t, signing{region: "eu-west-1"})), refused, "", "region is eu-west-1, this gateway is us-east-1", s},
		{"1.1 wrong algorithm", upgrade(s.host, swap(s.sign(t, signing{}), "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")), refused, "", "the algorithm is not", s},
		{"1.1 scope without its end", upgrade(s.host, swap(s.sign(t, signing{}), "aws4_request", "aws4")), refused, "", "the credential is not of the form", s},
		{"1.1 scope of another day", upgrade(s.host, swap(s.sign(t, signing{}), "%2F20260301%2F", "%2F20260228%2F")), refused, "", "the date of the credential scope", s},
		{"1.1 no algorithm", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Algorithm", "X-Amz-Algorith")), refused, "", "X-Amz-Algorithm is missing", s},
		{"1.1 no credential", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Credential", "X-Amz-Credentia")), refused, "", "X-Amz-Credential is missing", s},
		{"1.1 no date", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Date", "X-Amz-Dat")), refused, "", "X-Amz-Date is missing", s},
		{"1.1 no signed headers", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-SignedHeaders", "X-Amz-SignedHeader")), refused, "", "X-Amz-SignedHeaders is missing", s},
		{"1.1 a name in lower case", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Signature", "x-amz-signature")), refused, "", "X-Amz-Signature is missing", s},
		{"1.1 a date with fractions", upgrade(s.host, swap(s.sign(t, signing{}), "T120000Z", "T120000.0Z")), refused, "", "the date is not of the form", s},
		{"1.1 a signature in capitals", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Signature=", "X-Amz-Signature=A")), refused, "", "the signature is not 64 lower-case hexadecimal digits", s},
		{"1.1 no signature", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-Signature", "X-Amz-Signatur")), refused, "", "X-Amz-Signature is missing", s},
		{"1.1 a parameter that was not signed", upgrade(s.host, s.sign(t, signing{})+"&a=1"), refused, "", "signature mismatch", s},
		{"1.1 a parameter that was signed", upgrade(s.host, s.sign(t, signing{query: "SDK=x&Version=1"})), ok, "", "", s},
		{"1.1 an unknown parameter of SigV4, signed", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Other=1"})), ok, "", "", s},
		{"1.1 an unknown parameter of SigV4, not signed", upgrade(s.host, s.sign(t, signing{})+"&X-Amz-Other=1"), refused, "", "signature mismatch", s},
		{"1.1 a parameter twice, signed", upgrade(s.host, s.sign(t, signing{query: "a=2&a=1"})), ok, "", "", s},
		{"1.1 a parameter twice", upgrade(s.host, s.sign(t, signing{})+"&X-Amz-SignedHeaders=host"), refused, "", "X-Amz-SignedHeaders is given twice", s},
		{"1.1 POST", swap(upgrade(s.host, s.sign(t, signing{})), "GET", "POST"), refused, "", "not GET /mqtt", s},
		{"1.1 another path was signed", upgrade(s.host, s.sign(t, signing{path: "/"})), refused, "", "signature mismatch", s},
		{"1.1 another path", upgrade(s.host, swap(s.sign(t, signing{path: "/mqtt/"}), "/mqtt?", "/mqtt/?")), http.StatusNotFound, "", "", s},
		{"1.1 another spelling of the path", upgrade(s.host, swap(s.sign(t, signing{}), "/mqtt", "/%6dqtt")), refused, "", "not GET /mqtt", s},
		{"1.1 token appended, unsigned", upgrade(s.host, s.sign(t, temporary)), ok, "", "", s},
		{"1.1 token signed", upgrade(s.host, s.sign(t, with(temporary, func(c *signing) { c.signToken = true }))), refused, "", "the session token was signed", s},
		{"1.1 temporary key without token", upgrade(s.host, s.sign(t, with(temporary, func(c *signing) { c.token = "" }))), refused, "", "temporary credentials need their session token", s},
		{"1.1 token of other credentials", upgrade(s.host, s.sign(t, with(temporary, func(c *signing) { c.token = short.token }))), refused, "", "the session token is not that of the access key", s},
		{"1.1 token twice", upgrade(s.host, s.sign(t, temporary)+"&X-Amz-Security-Token=a"), refused, "", "X-Amz-Security-Token is given twice", s},
		{"1.1 permanent key with token", upgrade(s.host, s.sign(t, signing{token: temporary.token})), refused, "", "a session token came with a permanent access key", s},
		{"1.2 token first", upgrade(s.host, tokenFirst(s.sign(t, temporary))), ok, "", "", s},
		{"1.2 token before the signature, as from aws-c-auth", upgrade(s.host, tokenBeforeSignature(s.sign(t, temporary))), ok, "", "", s},
		{"1.2 signature first, token last but one", upgrade(s.host, reversed(s.sign(t, temporary))), ok, "", "", s},
		{"1.3 iotdata where it is accepted", upgrade(data.host, data.sign(t, signing{service: "iotdata"})), ok, "", "", data},
		{"1.3 iotdevicegateway there", upgrade(data.host, data.sign(t, signing{})), ok, "", "", data},
		{"1.3 another service there", upgrade(data.host, data.sign(t, signing{service: "s3"})), refused, "", "service is s3, AWS IoT is iotdevicegateway or iotdata", data},
		{"1.3 shadow REST, iotdevicegateway", s.signedGet(t, "/things/T/shadow", "iotdevicegateway"), http.StatusNotFound, "x-amzn-ErrorType: ResourceNotFoundException\r\n", "", s},
		{"1.3 shadow REST, iotdata", s.signedGet(t, "/things/T/shadow", "iotdata"), http.StatusNotFound, "x-amzn-ErrorType: ResourceNotFoundException\r\n", "", s},
		{"1.3 iotdata is opt-in", upgrade(s.host, s.sign(t, signing{service: "iotdata"})), refused, "", "service is iotdata, AWS IoT is iotdevicegateway", s},
		{"1.4 expires, lowest", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=1"})), ok, "", "", s},
		{"1.4 expires, highest", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=604800"})), ok, "", "", s},
		{"1.4 expires, too high", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=604801"})), refused, "", "X-Amz-Expires is not a number from 1 to 604800", s},
		{"1.4 expires, zero", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=0"})), refused, "", "X-Amz-Expires is not a number", s},
		{"1.4 expires, no number", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=%2B300"})), refused, "", "X-Amz-Expires is not a number", s},
		{"1.4 expires has to be signed", upgrade(s.host, s.sign(t, signing{})+"&X-Amz-Expires=300"), refused, "", "signature mismatch", s},
		{"1.4 expires does not prolong", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=604800", date: start.Add(-301 * time.Second)})), refused, "", "date 5m1s away", s},
		{"1.4 a short one does not shorten", upgrade(s.host, s.sign(t, signing{query: "X-Amz-Expires=1", date: start.Add(-60 * time.Second)})), ok, "", "", s},
		{"1.5 five minutes behind", upgrade(s.host, s.sign(t, signing{date: start.Add(-5 * time.Minute)})), ok, "", "", s},
		{"1.5 five minutes ahead", upgrade(s.host, s.sign(t, signing{date: start.Add(5 * time.Minute)})), ok, "", "", s},
		{"1.5 more than that behind", upgrade(s.host, s.sign(t, signing{date: start.Add(-301 * time.Second)})), refused, "", "date 5m1s away from this machine's clock", s},
		{"1.5 more than that ahead", upgrade(s.host, s.sign(t, signing{date: start.Add(301 * time.Second)})), refused, "", "date 5m1s away from this machine's clock", s},
		{"1.5 an hour ahead", upgrade(s.host, s.sign(t, signing{date: start.Add(time.Hour)})), refused, "", "date 1h0m0s away", s},
		{"1.6 no query", upgrade(s.host, "/mqtt"), refused, "", "X-Amz-Algorithm is missing", s},
		{"1.6 no upgrade, no signature", "GET /mqtt HTTP/1.1\r\nHost: " + s.host + "\r\n\r\n", refused, "", "X-Amz-Algorithm is missing", s},
		{"1.7 host without its port", upgrade(s.host, s.sign(t, signing{host: "127.0.0.1"})), ok, "", "", s},
		{"1.7 another name", upgrade("localhost:"+port, s.sign(t, signing{host: "localhost:" + port})), ok, "", "", s},
		{"1.7 no port anywhere, as from the native CRT", upgrade("localhost", s.sign(t, signing{host: "localhost"})), ok, "", "", s},
		{"1.7 the default port of wss signed", upgrade("localhost", secure.sign(t, signing{host: "localhost:443"})), ok, "", "", secure},
		{"1.7 the default port of ws signed for wss", upgrade("localhost", secure.sign(t, signing{host: "localhost:80"})), refused, "", "signature mismatch", secure},
		{"1.7 the default port signed", upgrade("localhost", s.sign(t, signing{host: "localhost:80"})), ok, "", "", s},
		{"1.7 another host", upgrade(s.host, s.sign(t, signing{host: "localhost:" + port})), refused, "", "another host, path or query was signed", s},
		{"1.7 another port", upgrade(s.host, s.sign(t, signing{host: "127.0.0.1:1"})), refused, "", "signature mismatch", s},
		{"1.8 connection;host, as from the native CRT", upgrade(s.host, swap(s.sign(t, signing{header: http.Header{"Connection": {"Upgrade"}}}), "X-Amz-SignedHeaders=connection%3Bhost", "X-Amz-SignedHeaders=connection;host")), ok, "", "", s},
		{"1.8 a signed header", upgrade(s.host, s.sign(t, signing{header: http.Header{"X-Meta": {"a  b"}}}), "X-Meta: a  b\r\n"), ok, "", "", s},
		{"1.8 a signed header that changed", upgrade(s.host, s.sign(t, signing{header: http.Header{"X-Meta": {"a"}}}), "X-Meta: b\r\n"), refused, "", "signature mismatch", s},
		{"1.8 a signed header that is gone", upgrade(s.host, s.sign(t, signing{header: http.Header{"X-Meta": {"a"}}})), refused, "", "signature mismatch", s},
		{"1.8 host is not signed", upgrade(s.host, swap(s.sign(t, signing{}), "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=connection")), refused, "", "host is not signed", s},
		{"1.9 slashes of the scope as they are", upgrade(s.host, strings.ReplaceAll(s.sign(t, signing{}), "%2F", "/")), ok, "", "", s},
		{"1.9 lower-case escapes", upgrade(s.host, strings.ReplaceAll(s.sign(t, signing{}), "%2F", "%2f")), ok, "", "", s},
		{"1.9 reserved characters", upgrade(s.host, s.sign(t, signing{query: "a=%2B%3D%2F%20*~"})), ok, "", "", s},
		{"1.9 a star as it is", upgrade(s.host, swap(s.sign(t, signing{query: "a=%2A"}), "%2A", "*")), ok, "", "", s},
		{"1.9 plus as a space", upgrade(s.host, swap(s.sign(t, signing{query: "a=x%20y"}), "x%20y", "x+y")), refused, "", "signature mismatch", s},
		{"1.9 broken escape", upgrade(s.host, s.sign(t, signing{})+"&a=%zz"), refused, "", "malformed percent-escape", s},
		{"1.10 mqtt", upgrade(s.host, s.sign(t, signing{}), "Sec-WebSocket-Protocol: mqtt\r\n"), ok, "Sec-WebSocket-Protocol: mqtt\r\n", "", s},
		{"1.10 mqttv3.1", upgrade(s.host, s.sign(t, signing{}), "Sec-WebSocket-Protocol: mqttv3.1\r\n"), ok, "Sec-WebSocket-Protocol: mqttv3.1\r\n", "", s},
		{"1.10 both", upgrade(s.host, s.sign(t, signing{}), "Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n"), ok, "Sec-WebSocket-Protocol: mqtt\r\n", "", s},
		{"1.11 a minute before the end", upgrade(s.host, s.sign(t, short)), ok, "", "", s},
		{"1.12 the region does not come from the host", upgrade("iot.eu-west-1.localhost:"+port, s.sign(t, signing{host: "iot.eu-west-1.localhost:" + port})), ok, "", "", s},
		{"1.13 no authorizers", upgrade(s.host, "/mqtt?x-amz-customauthorizer-name=pages"), refused, "", "X-Amz-Algorithm is missing", s},
		{"foreign page", upgrade(s.host, s.sign(t, signing{}), "Origin: https://evil.example\r\n"), refused, "", "origin is not on this machine", s},
		{"null origin", upgrade(s.host, s.sign(t, signing{}), "Origin: null\r\n"), refused, "", "origin is not on this machine", s},
		{"two origins", upgrade(s.host, s.sign(t, signing{}), "Origin: http://localhost\r\nOrigin: https://evil.example\r\n"), refused, "", "origin is not on this machine", s},
		{"page of this machine", upgrade(s.host, s.sign(t, signing{}), "Origin: http://localhost:5173\r\n"), ok, "", "", s},
		{"foreign host", upgrade("evil.example", s.sign(t, signing{host: "evil.example"})), http.StatusMisdirectedRequest, "", "host is not this machine", s},
		{"1.6 signed, no upgrade", "GET " + s.sign(t, signing{}) + " HTTP/1.1\r\nHost: " + s.host + "\r\n\r\n", http.StatusUpgradeRequired, "", "not a WebSocket upgrade", s},
	}
	alike, ids := map[string]bool{}, regexp.MustCompile(uuid+`|\nDate: .*`)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := test.on
			logged := len(s.log.String())
			status, head, body := s.exchange(t, test.request)
			if status != test.status {
				t.Fatalf("%s%s%s", head, body, s.log.String()[logged:])
			}
			if status == refused {
				alike[ids.ReplaceAllString(head+"\r\n"+body, "")] = true
			}
			if status == ok {
				if identity := <-s.opened; identity.ID == "" || identity.Authenticate != nil || !identity.ExpiresAt.IsZero() || !identity.Allows(policy.Connect, "client/a") {
					t.Errorf("%+v", identity)
				}
			}
			if !strings.Contains(strings.ToLower(head), strings.ToLower(test.head)) || !strings.Contains(s.log.String()[logged:], test.reason) {
				t.Errorf("%s%s", head, s.log.String()[logged:])
			}
			checkRefusal(t, status, head, body)
		})
	}
	if len(alike) != 1 {
		t.Errorf("1.6 refusals are not alike: %q", slices.Collect(maps.Keys(alike)))
	}
	s.clock.set(start.Add(time.Minute))
	if status, _, _ := s.exchange(t, upgrade(s.host, s.sign(t, short))); status != refused || !strings.Contains(s.log.String(), "the temporary credentials have expired, at 2026-03-01T12:01:00Z") {
		t.Errorf("1.11 expired credentials: %d", status)
	}
	if status, _, _ := s.exchange(t, upgrade(s.host, s.sign(t, temporary))); status != ok {
		t.Errorf("1.11 others: %d", status)
	}
	checkLog(t, s, secret, temporary.secret, temporary.token, short.secret, short.token, "X-Amz-Signature=", keyID+"%2F")
}

func checkRefusal(t *testing.T, status int, head, body string) {
	t.Helper()
	if status != http.StatusForbidden {
		return
	}
	for _, want := range refusal {
		if !want.MatchString(head) {
			t.Errorf("no %s in %q", want, head)
		}
	}
	if !refusalBody.MatchString(body) || !strings.Contains(strings.ToLower(head), fmt.Sprintf("\r\ncontent-length: %d\r\n", len(body))) {
		t.Errorf("body %s of %q", body, head)
	}
}

func checkLog(t *testing.T, s *server, secrets ...string) {
	t.Helper()
	log := s.log.String()
	for _, secret := range secrets {
		if strings.Contains(log, secret) || strings.Contains(log, url.QueryEscape(secret)) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

// TestAuthorizers has a row for each fact of 1.13 that an upgrade and its CONNECT can show.
func TestAuthorizers(t *testing.T) {
	s := newServer(t, rules(t))
	s.listen(t)
	signature := authorizertest.Sign(t, pageToken)
	byURL := "/mqtt?x-amz-customauthorizer-name=pages&pageToken=" + url.QueryEscape(pageToken) + "&x-amz-customauthorizer-signature="
	for _, test := range []struct {
		name, request string
		status        int
		reason        string
		username      string // of the CONNECT which is asked for
		principal     string
		expires       time.Time
	}{
		{"by query", upgrade(s.host, byURL+url.QueryEscape(signature)), 101, "", "", "page", start.Add(300 * time.Second)},
		{"by headers", upgrade(s.host, "/mqtt", "x-amz-customauthorizer-name: pages\r\npageToken: "+pageToken+"\r\nx-amz-customauthorizer-signature: "+signature+"\r\n"), 101, "", "", "page", start.Add(300 * time.Second)},
		{"bad signature", upgrade(s.host, byURL+"AAAA"), 403, "is not a signature of the token", "", "", time.Time{}},
		{"signature not encoded", upgrade(s.host, byURL+"a+b="), 403, "was it URL-encoded?", "", "", time.Time{}},
		{"no signature", upgrade(s.host, strings.TrimSuffix(byURL, "&x-amz-customauthorizer-signature=")), 403, "x-amz-customauthorizer-signature is missing", "", "", time.Time{}},
		{"no token", upgrade(s.host, "/mqtt?x-amz-customauthorizer-name=pages&x-amz-customauthorizer-signature="+url.QueryEscape(signature)), 403, "no token under the authorizer's tokenKeyName", "", "", time.Time{}},
		{"token twice", upgrade(s.host, byURL+url.QueryEscape(signature)+"&pageToken=a"), 403, "the token is given twice", "", "", time.Time{}},
		{"signature of another token", upgrade(s.host, byURL+url.QueryEscape(authorizertest.Sign(t, "other"))), 403, "is not a signature of the token", "", "", time.Time{}},
		{"unknown", upgrade(s.host, "/mqtt?x-amz-customauthorizer-name=evil%0Alevel=ERROR"), 403, `reason="unknown authorizer"`, "", "", time.Time{}},
		{"foreign page", upgrade(s.host, byURL+url.QueryEscape(signature), "Origin: https://evil.example\r\n"), 403, "origin is not on this machine", "", "", time.Time{}},
		{"in CONNECT", upgrade(s.host, "/mqtt"), 101, "", "user?x-amz-customauthorizer-name=users", "user", start.Add(24 * time.Hour)},
		{"in CONNECT, by query and signed token", upgrade(s.host, "/mqtt"), 101, "", "?" + strings.TrimPrefix(byURL, "/mqtt?") + url.QueryEscape(signature), "page", start.Add(300 * time.Second)},
		{"in CONNECT, unknown", upgrade(s.host, "/mqtt"), 101, "", "user?x-amz-customauthorizer-name=other", "", time.Time{}},
		{"in CONNECT, nothing", upgrade(s.host, "/mqtt"), 101, "", "user", "", time.Time{}},
		{"a signature goes first", upgrade(s.host, s.sign(t, signing{query: "x-amz-customauthorizer-name=pages"})), 101, "", "", keyID, time.Time{}},
		{"a broken signature goes first", upgrade(s.host, byURL+url.QueryEscape(signature)+"&X-Amz-Signature=0"), 403, "X-Amz-Algorithm is missing", "", "", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			logged := len(s.log.String())
			status, head, body := s.exchange(t, test.request)
			if status != test.status || !strings.Contains(s.log.String()[logged:], test.reason) {
				t.Fatalf("%s%s%s", head, body, s.log.String()[logged:])
			}
			checkRefusal(t, status, head, body)
			if status != http.StatusSwitchingProtocols {
				return
			}
			identity := <-s.opened
			if asked := identity.Authenticate != nil; asked != (test.username != "") {
				t.Fatalf("CONNECT is asked: %v", asked)
			}
			if test.username != "" {
				if identity.ID != "" || identity.Allows(policy.Connect, "client/page-1") {
					t.Error("something is allowed before CONNECT")
				}
				if _, err := identity.Authenticate("user?x-amz-customauthorizer-name=users", []byte("wrong")); err == nil || strings.Contains(err.Error(), "wrong") {
					t.Errorf("a wrong password: %v", err)
				}
				var err error
				if identity, err = identity.Authenticate(test.username, []byte(password)); (err == nil) != (test.principal != "") {
					t.Fatal(err)
				} else if err != nil {
					return
				}
			}
			if identity.ID != test.principal || !identity.ExpiresAt.Equal(test.expires) {
				t.Errorf("%s until %v", identity.ID, identity.ExpiresAt)
			}
			if test.principal != keyID && (!identity.Allows(policy.Connect, "client/page-1") || !identity.Allows(policy.Publish, "topic/page-1/a") || identity.Allows(policy.Publish, "topic/page-2/a")) {
				t.Error("not its policy")
			}
		})
	}
	checkLog(t, s, pageToken, signature, password, secret)
}

// TestFrames has a row for each fact of 1.10 and 1.11 that shows after the upgrade only.
func TestFrames(t *testing.T) {
	const first, second = "abcd", "efgh" // packets, as far as frames know
	const said = first + second
	s := newServer(t, nil)
	s.serve = func(c *mqttws.Conn) error {
		heard := make([]byte, len(said))
		for _, packet := range [][]byte{heard[:len(first)], heard[len(first):]} {
			if _, err := io.ReadFull(c, packet); err != nil {
				return err
			}
		}
		_, err := c.Write(heard)
		return err
	}
	s.listen(t)
	const text, binary, more, final = 0x01, 0x02, 0x00, 0x80
	frame := func(first byte, payload string) string {
		return string([]byte{first, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload // the mask changes nothing
	}
	short := s.issue(t, "?duration=60")
	for _, test := range []struct {
		name, frames string
		later        time.Duration
		want         string // on the wire, after the head
		reason       string
	}{
		{"1.10 a packet in each message", frame(final|binary, first) + frame(final|binary, second), 0, "\x82\x08" + said + "\x88\x02\x03\xe8", ""},
		{"1.10 two packets in one message", frame(final|binary, said), 0, "\x82\x08" + said + "\x88\x02\x03\xe8", ""},
		{"1.10 a packet in many messages", frame(final|binary, "a") + frame(final|binary, "bc") + frame(final|binary, "") + frame(final|binary, "defgh"), 0, "\x82\x08" + said + "\x88\x02\x03\xe8", ""},
		{"1.10 a message in many frames", frame(binary, "a") + frame(more, "bcdefg") + frame(final|more, "h"), 0, "\x82\x08" + said + "\x88\x02\x03\xe8", ""},
		{"1.10 a text frame", frame(final|text, said), 0, "\x88\x1a\x03\xebMQTT needs binary frames", "text frame: MQTT needs binary frames"},
		{"1.11 credentials expire", frame(final|binary, said), time.Hour, "\x82\x08" + said + "\x88\x02\x03\xe8", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s.clock.set(start)
			conn := s.dial(t)
			if _, err := io.WriteString(conn, upgrade(s.host, s.sign(t, short))); err != nil {
				t.Fatal(err)
			}
			from := bufio.NewReader(conn)
			response, err := http.ReadResponse(from, nil)
			if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
				t.Fatal(response, err)
			}
			<-s.opened
			s.clock.set(start.Add(test.later))
			if _, err := io.WriteString(conn, test.frames); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(test.want))
			if _, err := io.ReadFull(from, got); err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
			_ = conn.Close()
			for end := time.Now().Add(20 * time.Second); !strings.Contains(s.log.String(), test.reason); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("no %q in %s", test.reason, s.log)
				}
			}
		})
	}
}

func TestPolicyKnowsTheConnection(t *testing.T) {
	document, err := policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"arn:aws:iot:us-east-1:123456789012:*",
		"Condition":{"StringEquals":{"iot:DomainName":"localhost"},"IpAddress":{"aws:SourceIp":"127.0.0.1"},"Bool":{"aws:SecureTransport":"false"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, nil)
	store, err := credentials.NewStore(sigv4.NewCredentials(keyID, secret))
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[string]bool{"": true, "123456789012": true, "000000000000": false} {
		gate := &Gate{Verifier: &sigv4.Verifier{Keys: store, Region: "us-east-1"}, Policies: policy.Set{document}, Account: account, Now: s.clock.now}
		r := httptest.NewRequest(http.MethodGet, s.sign(t, signing{host: "localhost:8080"}), nil)
		r.Host, r.RemoteAddr = "LocalHost:8080", "127.0.0.1:1234"
		identity, err := gate.Identify(r)
		if err != nil {
			t.Fatal(err)
		}
		if identity.Allows(policy.Connect, "client/a") != want {
			t.Errorf("account %q: %v", account, !want)
		}
	}
}

// FuzzUpgrade sends whole requests; the hosts and dates of its seeds are fixed.
func FuzzUpgrade(f *testing.F) {
	s := newServer(f, rules(f))
	s.host = "localhost:8080"
	good := s.sign(f, signing{})
	for _, seed := range []string{
		upgrade(s.host, good, "Sec-WebSocket-Protocol: mqtt\r\n", "Origin: http://localhost:5173\r\n"),
		upgrade(s.host, "/mqtt?x-amz-customauthorizer-name=pages&pageToken=a&x-amz-customauthorizer-signature=AAAA"),
		upgrade(s.host, "/mqtt"),
		"GET /credentials?duration=60 HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
		if err != nil {
			return
		}
		r.RemoteAddr = "127.0.0.1:1"
		s.log.Reset()
		recorder := httptest.NewRecorder()
		s.site.ServeHTTP(recorder, r)
		if log := s.log.String(); strings.Count(log, "\n") > 1 || len(log) > 1000 || strings.Contains(log, secret) {
			t.Errorf("log %q", log)
		}
		if r.URL.Path == mqttws.Path && recorder.Code == http.StatusForbidden && !refusalBody.Match(recorder.Body.Bytes()) {
			t.Errorf("body %q", recorder.Body)
		}
		// A recorder cannot be taken over, so an accepted upgrade ends with 501.
		if accepted := recorder.Code == http.StatusNotImplemented; accepted {
			for _, origin := range r.Header.Values("Origin") {
				if !loopback.IsOrigin(origin) {
					t.Errorf("a foreign page got through: %q", text)
				}
			}
			if r.Method != http.MethodGet || r.URL.EscapedPath() != mqttws.Path {
				t.Errorf("accepted %q", fmt.Sprintf("%.200s", text))
			}
		}
	})
}
