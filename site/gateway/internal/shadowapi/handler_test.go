package shadowapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/sigv4"
	"iotwasm/site/gateway/internal/web"
)

const region = "eu-west-1"

// keys are a permanent and a temporary access key.
type keys map[string]sigv4.Credentials

func (k keys) Find(id string) (sigv4.Credentials, bool) { c, ok := k[id]; return c, ok }

var known = keys{
	"AKID": sigv4.NewCredentials("AKID", "secret"),
	"ASIA": sigv4.NewTemporaryCredentials("ASIA", "secret", "to+ken/=", time.Now().Add(time.Hour)),
	"AOLD": sigv4.NewTemporaryCredentials("AOLD", "secret", "old", time.Now().Add(-time.Hour)),
}

// api is a server of the handler, with what it published and logged.
type api struct {
	*httptest.Server
	handler *Handler
	service *shadow.Service
	topics  []string
	log     bytes.Buffer
}

func newAPI(t *testing.T) *api {
	a := &api{service: shadow.NewService(shadow.DefaultLimits(), shadow.CreationFault{})}
	log := slog.New(slog.NewTextHandler(&a.log, nil))
	desk := shadow.NewDesk(a.service, time.Now, log)
	desk.Publish = func(m shadow.Message) { a.topics = append(a.topics, m.Topic) }
	a.handler = &Handler{Desk: desk, Verifier: &Signatures{Region: region, Keys: known}, Now: time.Now, Log: log}
	a.Server = httptest.NewServer(a.handler)
	t.Cleanup(a.Close)
	return a
}

// signing is how a request is signed; zero fields take a good value.
type signing struct {
	id, secret, token, service, region string
	date                               time.Time
	query                              bool
	hashHeader                         bool
}

func (a *api) request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, a.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sign is aws-sdk-go-v2's signer.
func sign(t testing.TB, r *http.Request, body string, s signing) *http.Request {
	t.Helper()
	def := func(text *string, value string) {
		if *text == "" {
			*text = value
		}
	}
	def(&s.id, "AKID")
	def(&s.secret, "secret")
	def(&s.service, "iotdata")
	def(&s.region, region)
	if s.date.IsZero() {
		s.date = time.Now()
	}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if s.hashHeader {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	credentials := aws.Credentials{AccessKeyID: s.id, SecretAccessKey: s.secret, SessionToken: s.token}
	if s.query {
		signed, headers, err := v4.NewSigner().PresignHTTP(context.Background(), credentials, r, hash, s.service, s.region, s.date)
		if err != nil {
			t.Fatal(err)
		}
		again, err := http.NewRequestWithContext(r.Context(), r.Method, signed, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		again.Header = headers
		return again
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, r, hash, s.service, s.region, s.date); err != nil {
		t.Fatal(err)
	}
	return r
}

func send(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func (a *api) call(t testing.TB, method, target, body string) (*http.Response, string) {
	t.Helper()
	return send(t, sign(t, a.request(t, method, target, body), body, signing{}))
}

var timestamp = regexp.MustCompile(`"timestamp":\d+`)

// expectError checks the form of an error: its status, name and text.
func expectError(t *testing.T, response *http.Response, body string, status int, kind, message string) {
	t.Helper()
	var got struct {
		Message string
		TraceID string `json:"traceId"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || response.StatusCode != status ||
		response.Header.Get("x-amzn-ErrorType") != kind || got.Message != message || len(got.TraceID) != 36 ||
		response.Header.Get("Content-Type") != "application/json" || len(response.Header.Get("x-amzn-RequestId")) != 36 {
		t.Errorf("%d %s %s, want %d %s %q", response.StatusCode, response.Header.Get("x-amzn-ErrorType"), body, status, kind, message)
	}
}

func TestDataAPI(t *testing.T) {
	a := newAPI(t)
	for _, step := range []struct{ method, target, body, want, published string }{
		{"POST", "/things/T/shadow", `{"state":{"desired":{"a":1}},"clientToken":"c"}`, `{"state":{"desired":{"a":1}},"metadata":{"desired":{"a":{"timestamp":0}}},"version":1,"timestamp":0,"clientToken":"c"}`, "delta documents accepted"},
		{"GET", "/things/T/shadow", ``, `{"state":{"desired":{"a":1},"delta":{"a":1}},"metadata":{"desired":{"a":{"timestamp":0}}},"version":1,"timestamp":0}`, ""},
		{"POST", "/things/T%3A1/shadow?name=%24x%3Ay", `{"state":{}}`, `{"state":{},"metadata":{},"version":1,"timestamp":0}`, "documents accepted"},
		{"GET", "/things/T:1/shadow?name=$x:y", ``, `{"state":{},"metadata":{},"version":1,"timestamp":0}`, ""},
		{"POST", "/things/T%3A1/shadow?name=b", `{"state":{}}`, `{"state":{},"metadata":{},"version":1,"timestamp":0}`, "documents accepted"},
		{"GET", "/api/things/shadow/ListNamedShadowsForThing/T%3A1", ``, `{"results":["$x:y","b"],"timestamp":0}`, ""},
		{"GET", "/api/things/shadow/ListNamedShadowsForThing/T:1?pageSize=1", ``, `{"results":["$x:y"],"nextToken":"JHg6eQ","timestamp":0}`, ""},
		{"GET", "/api/things/shadow/ListNamedShadowsForThing/T:1?nextToken=JHg6eQ&pageSize=1", ``, `{"results":["b"],"timestamp":0}`, ""},
		{"DELETE", "/things/T/shadow", ``, `{"version":1,"timestamp":0}`, "accepted"},
	} {
		a.topics = nil
		response, body := a.call(t, step.method, step.target, step.body)
		if response.StatusCode != 200 || timestamp.ReplaceAllString(body, `"timestamp":0`) != step.want || response.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s", step.method, step.target, response.StatusCode, body)
		}
		var tails []string
		for _, topic := range a.topics {
			tails = append(tails, topic[strings.LastIndex(topic, "/")+1:])
		}
		if got := strings.Join(tails, " "); got != step.published {
			t.Errorf("%s %s published %q", step.method, step.target, a.topics)
		}
	}
}

func TestErrors(t *testing.T) {
	const things, list = "/things/T/shadow", "/api/things/shadow/ListNamedShadowsForThing/T"
	for _, test := range []struct {
		name, method, target, body string
		status                     int
		kind, message              string
	}{
		{"3.9 [doc S5] 404", "GET", things, ``, 404, "ResourceNotFoundException", "No shadow exists with name: 'T'"},
		{"3.9 [live] 404 of a named one", "DELETE", things + "?name=S", ``, 404, "ResourceNotFoundException", "No shadow exists with name: 'T~S'"},
		{"3.9 [doc S5] 400", "POST", things, `{`, 400, "InvalidRequestException", "Invalid JSON"},
		{"3.9 [doc S5] 413 of the document", "POST", things, `{"state":{"desired":{"a":"` + strings.Repeat("x", 9000) + `"}}}`, 413, "RequestEntityTooLargeException", "The payload exceeds the maximum size allowed"},
		{"3.9 [doc S5] 413 of the body", "POST", things, strings.Repeat(" ", maxBody+1), 413, "RequestEntityTooLargeException", "The payload exceeds the maximum size allowed"},
		{"3.9 [doc S5] 415", "POST", things, "\xff", 415, "UnsupportedDocumentEncodingException", "Unsupported documented encoding; supported encoding is UTF-8"},
		{"3.9 REST adds 405", "PUT", things, ``, 405, "MethodNotAllowedException", "The specified combination of HTTP verb and URI is not supported."},
		{"3.9 REST adds 405, of the list", "POST", list, ``, 405, "MethodNotAllowedException", "The specified combination of HTTP verb and URI is not supported."},
		{"3.2 [doc] thing", "GET", "/things/a.b/shadow", ``, 400, "InvalidRequestException", "Invalid thing name"},
		{"3.2 a slash in a name", "GET", "/things/a%2Fb/shadow", ``, 400, "InvalidRequestException", "Invalid thing name"},
		{"3.2 [doc] shadow", "GET", things + "?name=a.b", ``, 400, "InvalidRequestException", "Invalid shadow name"},
		{"no shadow name", "GET", things + "?name=", ``, 400, "InvalidRequestException", "Invalid shadow name"},
		{"two shadow names", "GET", things + "?name=a&name=b", ``, 400, "InvalidRequestException", "Invalid shadow name"},
		{"page size", "GET", list + "?pageSize=0", ``, 400, "InvalidRequestException", "Invalid page size: must be from 1 to 100"},
		{"page size, a text", "GET", list + "?pageSize=x", ``, 400, "InvalidRequestException", "Invalid page size: must be from 1 to 100"},
		{"next token", "GET", list + "?nextToken=x", ``, 400, "InvalidRequestException", "Invalid next token"},
		{"another path", "GET", "/things/T", ``, 404, "ResourceNotFoundException", "Not Found"},
		{"another path below", "GET", "/things/T/x/shadow", ``, 404, "ResourceNotFoundException", "Not Found"},
		{"another API", "GET", "/api/things/other", ``, 404, "ResourceNotFoundException", "Not Found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newAPI(t)
			response, body := a.call(t, test.method, test.target, test.body)
			expectError(t, response, body, test.status, test.kind, test.message)
			if len(a.topics) > 0 { // [doc S5] no MQTT error messages are emitted
				t.Errorf("published %q", a.topics)
			}
		})
	}
}

func TestVersionConflict(t *testing.T) { // 3.8 [live S7]
	a := newAPI(t)
	a.call(t, "POST", "/things/T/shadow", `{"state":{}}`)
	response, body := a.call(t, "POST", "/things/T/shadow", `{"state":{},"version":7}`)
	expectError(t, response, body, 409, "ConflictException", "Version conflict")
}

func TestFaults(t *testing.T) {
	a := newAPI(t)
	for code, want := range map[int][2]string{
		429: {"ThrottlingException", "Too many requests"},
		500: {"InternalFailureException", "Internal service failure"},
		503: {"ServiceUnavailableException", "Service unavailable"},
	} {
		if err := a.service.SetFault(shadow.Fault{Code: code, Requests: 1}); err != nil {
			t.Fatal(err)
		}
		response, body := a.call(t, "GET", "/things/T/shadow", "")
		expectError(t, response, body, code, want[0], want[1])
	}
	if err := a.service.SetFault(shadow.Fault{Drop: true, Requests: 1}); err != nil {
		t.Fatal(err)
	}
	update := sign(t, a.request(t, "POST", "/things/T/shadow", `{"state":{}}`), `{"state":{}}`, signing{})
	if response, err := http.DefaultClient.Do(update); err == nil {
		_ = response.Body.Close()
		t.Errorf("a lost answer: %d", response.StatusCode)
	}
	if response, body := a.call(t, "GET", "/things/T/shadow", ""); response.StatusCode != 200 {
		t.Errorf("what was asked for was not carried out: %s", body)
	}
}

func TestSignatures(t *testing.T) {
	const body = `{"state":{}}`
	now := time.Now()
	for name, test := range map[string]struct {
		s      signing
		tamper func(*http.Request)
		reason string // empty: accepted
	}{
		"header":                       {},
		"header, hash":                 {s: signing{hashHeader: true}},
		"header, token":                {s: signing{id: "ASIA", token: "to+ken/="}},
		"header, the guide's service":  {s: signing{service: "iotdevicegateway"}},
		"query":                        {s: signing{query: true}},
		"query, token":                 {s: signing{query: true, id: "ASIA", token: "to+ken/="}},
		"almost five minutes old":      {s: signing{date: now.Add(-290 * time.Second)}},
		"secret":                       {s: signing{secret: "other"}, reason: "signature mismatch"},
		"key":                          {s: signing{id: "AKIDOTHER"}, reason: "unknown access key id"},
		"region":                       {s: signing{region: "us-east-1"}, reason: "region is"},
		"service":                      {s: signing{service: "s3"}, reason: "service is"},
		"clock behind":                 {s: signing{date: now.Add(-6 * time.Minute)}, reason: "away from this machine's clock"},
		"clock ahead":                  {s: signing{date: now.Add(6 * time.Minute)}, reason: "away from this machine's clock"},
		"another token":                {s: signing{id: "ASIA", token: "other"}, reason: "not that of the access key"},
		"no token":                     {s: signing{id: "ASIA"}, reason: "need their session token"},
		"a token of a permanent key":   {s: signing{token: "x"}, reason: "permanent access key"},
		"expired":                      {s: signing{id: "AOLD", token: "old"}, reason: "have expired"},
		"another hash":                 {tamper: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64)) }, reason: "not the hash of the body"},
		"unsigned payload":             {tamper: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, reason: "not the hash of the body"},
		"another body":                 {tamper: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"state":[]}`)) }, reason: "signature mismatch"},
		"another body, query":          {s: signing{query: true}, tamper: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"state":[]}`)) }, reason: "signature mismatch"},
		"another path":                 {tamper: func(r *http.Request) { r.URL.Path = "/things/U/shadow" }, reason: "signature mismatch"},
		"another query":                {tamper: func(r *http.Request) { r.URL.RawQuery = "name=other" }, reason: "signature mismatch"},
		"another method":               {tamper: func(r *http.Request) { r.Method = "DELETE" }, reason: "signature mismatch"},
		"a signed header that is gone": {tamper: func(r *http.Request) { swapAuthorization(r, "host;", "host;x-gone;") }, reason: "signature mismatch"},
		"host is not signed":           {tamper: func(r *http.Request) { swapAuthorization(r, "host;", "") }, reason: "host is not signed"},
		"another algorithm":            {tamper: func(r *http.Request) { swapAuthorization(r, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1") }, reason: "algorithm"},
		"no scope":                     {tamper: func(r *http.Request) { swapAuthorization(r, "/aws4_request", "") }, reason: "credential"},
		"a short signature":            {tamper: func(r *http.Request) { swapAuthorization(r, "Signature=", "Signature=x") }, reason: "hexadecimal"},
		"a part twice":                 {tamper: func(r *http.Request) { swapAuthorization(r, "Signature=", "Credential=x, Signature=") }, reason: "malformed Authorization"},
		"both ways":                    {tamper: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=x" }, reason: "signed twice"},
		"another date":                 {tamper: func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") }, reason: "another day"},
		"no date":                      {tamper: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, reason: "date is not of the form"},
		"a parameter twice":            {s: signing{query: true}, tamper: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Date=x" }, reason: "given twice"},
		"an expiry added to the query": {s: signing{query: true}, tamper: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Expires=60" }, reason: "signature mismatch"},
		"an expiry which is no number": {s: signing{query: true}, tamper: func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Expires=x" }, reason: "X-Amz-Expires"},
		"not signed":                   {tamper: func(r *http.Request) { r.Header.Del("Authorization") }, reason: "not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t)
			r := sign(t, a.request(t, "POST", "/things/T%3A1/shadow?name=%24x&empty=", body), body, test.s)
			if test.tamper != nil {
				test.tamper(r)
			}
			response, text := send(t, r)
			switch {
			case test.reason == "" && response.StatusCode != 200:
				t.Errorf("%d %s %s", response.StatusCode, text, a.log.String())
			case test.reason == "not signed":
				expectError(t, response, text, 403, "MissingAuthenticationTokenException:", "Missing Authentication Token")
			case test.reason != "":
				expectError(t, response, text, 403, "ForbiddenException:", "Forbidden")
			}
			log := a.log.String()
			if test.reason != "" && !strings.Contains(log, test.reason) || strings.Contains(log, "to+ken") || strings.Contains(log, "Signature=") {
				t.Errorf("log: %s", log)
			}
			if all, _ := a.service.Shadows(); (len(all) > 0) != (test.reason == "") {
				t.Errorf("carried out: %v", all)
			}
		})
	}
}

func swapAuthorization(r *http.Request, old, new string) {
	text := r.Header.Get("Authorization")
	if old == "host;" && !strings.Contains(text, old) {
		panic("host is not where the test expects it: " + text)
	}
	r.Header.Set("Authorization", strings.Replace(text, old, new, 1))
}

// A URL is good until it expires.
func TestPresignedURLExpires(t *testing.T) {
	a := newAPI(t)
	signed := time.Now()
	r := sign(t, a.request(t, "GET", "/things/T/shadow?X-Amz-Expires=3600", ""), "", signing{query: true, date: signed})
	for after, status := range map[time.Duration]int{0: 404, 59 * time.Minute: 404, 61 * time.Minute: 403} {
		a.handler.Now = func() time.Time { return signed.Add(after) }
		if response, body := send(t, r.Clone(t.Context())); response.StatusCode != status {
			t.Errorf("after %v: %d %s", after, response.StatusCode, body)
		}
	}
}

func TestAllow(t *testing.T) {
	a := newAPI(t)
	var asked []string
	a.handler.Allow = func(r *http.Request, action, thing, name string) bool {
		asked = append(asked, fmt.Sprint(r.Method, " ", action, " ", thing, " ", name))
		return action == "iot:GetThingShadow"
	}
	if response, body := a.call(t, "GET", "/things/T/shadow?name=S", ""); response.StatusCode != 404 {
		t.Error(body)
	}
	for _, call := range [][2]string{{"POST", "/things/T/shadow"}, {"DELETE", "/things/T/shadow"}, {"GET", "/api/things/shadow/ListNamedShadowsForThing/T"}} {
		response, body := a.call(t, call[0], call[1], "")
		expectError(t, response, body, 403, "ForbiddenException:", "Forbidden")
	}
	want := "GET iot:GetThingShadow T S, POST iot:UpdateThingShadow T , DELETE iot:DeleteThingShadow T , GET iot:ListNamedShadowsForThing T "
	if got := strings.Join(asked, ", "); got != want {
		t.Error(got)
	}
}

// Pages of this machine may call the API and read its errors; others do not reach it.
func TestPages(t *testing.T) {
	a := newAPI(t)
	site := &web.Site{MQTT: http.NotFoundHandler(), MQTTPath: "/mqtt", APIs: map[string]http.Handler{}, Log: a.handler.Log}
	for _, path := range Paths {
		site.APIs[path] = a.handler
	}
	server := httptest.NewServer(site.Handler())
	defer server.Close()
	a.URL = server.URL
	const body = `{"state":{}}`
	for _, test := range []struct {
		origin            string
		preflight, status int
	}{{"http://localhost:5173", 204, 200}, {"https://evil.example", 403, 403}, {"null", 403, 403}} {
		allowed := ""
		if test.status == 200 {
			allowed = test.origin
		}
		preflight := a.request(t, "OPTIONS", "/things/T/shadow?name=S", "")
		preflight.Header = http.Header{"Origin": {test.origin}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"authorization,x-amz-date"}}
		update := sign(t, a.request(t, "POST", "/things/T/shadow?name=S", body), body, signing{})
		update.Header.Set("Origin", test.origin)
		for r, status := range map[*http.Request]int{preflight: test.preflight, update: test.status} {
			response, text := send(t, r)
			if response.StatusCode != status || response.Header.Get("Access-Control-Allow-Origin") != allowed {
				t.Errorf("%s %s: %d %s %v", test.origin, r.Method, response.StatusCode, text, response.Header)
			}
		}
	}
	if all, err := a.service.Shadows(); err != nil || len(all) != 1 || all[0].Version != 1 {
		t.Errorf("%+v %v", all, err)
	}
}

// FuzzRoute asks for anything: each answer is JSON in the API's form, and a request is
// carried out only for names which AWS allows.
func FuzzRoute(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/things/T/shadow", "name=S"}, {"POST", "/things/T%3A1/shadow", ""}, {"DELETE", "/things//shadow", "name="},
		{"GET", "/api/things/shadow/ListNamedShadowsForThing/T", "pageSize=10&nextToken=Yg"}, {"PUT", "/things/../shadow", "%zz"},
		{"GET", "/things/a%2Fb/shadow", "name=a;b"}, {"OPTIONS", "/things/%00/shadow", "name=%00"},
	} {
		f.Add(seed[0], seed[1], seed[2], []byte(`{"state":{}}`))
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	names := regexp.MustCompile(`^[$a-zA-Z0-9:_-]*$`)
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		r, err := http.NewRequest(method, "http://localhost"+path, bytes.NewReader(body))
		if err != nil {
			return
		}
		r.URL.RawQuery = query
		service := shadow.NewService(shadow.DefaultLimits(), shadow.CreationFault{})
		desk := shadow.NewDesk(service, time.Now, log)
		desk.Publish = func(shadow.Message) {}
		handler := &Handler{Desk: desk, Verifier: everybody{}, Now: time.Now, Log: log}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, r)
		kind := recorder.Header()[errorType]
		if !json.Valid(recorder.Body.Bytes()) || (recorder.Code == 200) != (len(kind) == 0) || recorder.Code == 500 {
			t.Fatalf("%d %v %s", recorder.Code, kind, recorder.Body)
		}
		all, err := service.Shadows()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if !names.MatchString(s.Thing) || !names.MatchString(s.Shadow) {
				t.Fatalf("%+v", s)
			}
		}
		// Whatever it is, its signature is refused and not a panic.
		if err := (&Signatures{Region: region, Keys: known}).Verify(r, body, time.Now()); err == nil {
			t.Fatal("verified")
		}
	})
}

// FuzzAuthorization reads any Authorization header.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=AKID/20260301/eu-west-1/iotdata/aws4_request, SignedHeaders=host;x-amz-date, Signature="+strings.Repeat("a", 64), "20260301T120000Z")
	f.Add("AWS4-HMAC-SHA256 ,,=,=", "")
	f.Add("Bearer x", "20260301T120000Z")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, authorization, date string) {
		r := httptest.NewRequest(http.MethodGet, "/things/T/shadow", nil)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		err := (&Signatures{Region: region, Keys: known}).Verify(r, nil, now)
		if err == nil || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 200 {
			t.Errorf("%v", err)
		}
	})
}

// errorType is no constant, or staticcheck would want it in the canonical form.
var errorType = "x-amzn-ErrorType"

// everybody is a Verifier that trusts.
type everybody struct{}

func (everybody) Verify(*http.Request, []byte, time.Time) error { return nil }
