package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"iotwasm/site/gateway/internal/strictjson"
)

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func parse(t *testing.T, text string) *Document {
	t.Helper()
	d, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const arn = "arn:aws:iot:us-east-1:123456789012:"

func TestAllows(t *testing.T) {
	client1 := Variables{Region: "us-east-1", Account: "123456789012", ClientID: "client1", SourceIP: netip.MustParseAddr("::ffff:127.0.0.1"), DomainName: "localhost"}
	as := func(id string) Variables { v := client1; v.ClientID = id; return v }
	allow := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
	}
	deny := func(action, resource string) string {
		return fmt.Sprintf(`{"Effect":"Deny","Action":%q,"Resource":%q}`, action, resource)
	}
	when := func(condition string) string {
		return `{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}`
	}
	tests := []struct {
		name             string // with the place in the developer guide or the IAM user guide
		statements       []string
		action, resource string
		v                Variables
		want             bool
	}{
		{"default deny (IAM, evaluation logic)", []string{allow("iot:Connect", "*")}, Publish, "topic/a", client1, false},
		{"allow", []string{allow("iot:Publish", arn+"topic/a")}, Publish, "topic/a", client1, true},
		{"a full ARN is asked for", []string{allow("iot:Publish", arn+"topic/a")}, Publish, arn + "topic/a", Variables{}, true},
		{"explicit deny wins, before", []string{deny("iot:Publish", arn+"topic/a"), allow("iot:*", "*")}, Publish, "topic/a", client1, false},
		{"explicit deny wins, after", []string{allow("iot:*", "*"), deny("iot:Publish", arn+"topic/a")}, Publish, "topic/a", client1, false},
		{"deny of another topic", []string{allow("iot:*", "*"), deny("iot:Publish", arn+"topic/a")}, Publish, "topic/b", client1, true},
		{"actions have no case", []string{allow("IOT:publish", "*")}, Publish, "topic/a", client1, true},
		{"wildcard in an action", []string{allow("iot:*Publish", "*")}, RetainPublish, "topic/a", client1, true},
		{"wildcard in an action, another", []string{allow("iot:*Publish", "*")}, Subscribe, "topicfilter/a", client1, false},
		{"publish is not retain", []string{allow("iot:Publish", "*")}, RetainPublish, "topic/a", client1, false},
		{"topics have cases", []string{allow("iot:Publish", arn+"topic/a")}, Publish, "topic/A", client1, false},
		{"* crosses levels (pub-sub-policy)", []string{allow("iot:Publish", arn+"topic/a/*/z")}, Publish, "topic/a/b/c/z", client1, true},
		{"* is nothing too", []string{allow("iot:Publish", arn+"topic/a*")}, Publish, "topic/a", client1, true},
		{"? is one character", []string{allow("iot:Publish", arn+"topic/a?")}, Publish, "topic/aä", client1, true},
		{"? is not none", []string{allow("iot:Publish", arn+"topic/a?")}, Publish, "topic/a", client1, false},
		{"+ is a character (pub-sub-policy)", []string{allow("iot:Subscribe", arn+"topicfilter/some/+/topic")}, Subscribe, "topicfilter/some/+/topic", client1, true},
		{"+ stands for no level", []string{allow("iot:Subscribe", arn+"topicfilter/some/+/topic")}, Subscribe, "topicfilter/some/x/topic", client1, false},
		{"+ in a topic", []string{allow("iot:Publish", arn+"topic/some/+")}, Publish, "topic/some/x", client1, false},
		{"# is a character", []string{allow("iot:Subscribe", arn+"topicfilter/a/#")}, Subscribe, "topicfilter/a/b", client1, false},
		{"* covers +", []string{allow("iot:Subscribe", arn+"topicfilter/a/*")}, Subscribe, "topicfilter/a/+/b", client1, true},
		{"topic is not topicfilter (iot-action-resources)", []string{allow("iot:Subscribe", arn+"topic/a")}, Subscribe, "topicfilter/a", client1, false},
		{"client id (basic-policy-variables)", []string{allow("iot:Publish", arn+"topic/my/${iot:ClientId}")}, Publish, "topic/my/client1", client1, true},
		{"another's client id", []string{allow("iot:Publish", arn+"topic/my/${iot:ClientId}")}, Publish, "topic/my/client2", client1, false},
		{"a client called + (basic-policy-variables)", []string{allow("iot:Subscribe", arn+"topicfilter/my/${iot:ClientId}/t")}, Subscribe, "topicfilter/my/+/t", as("+"), true},
		{"a client called * gets no wildcard", []string{allow("iot:Publish", arn+"topic/my/${iot:ClientId}")}, Publish, "topic/my/x", as("*"), false},
		{"variables have no case", []string{allow("iot:Publish", arn+"topic/${IOT:clientid}")}, Publish, "topic/client1", client1, true},
		{"thing name (thing-policy-variables)", []string{allow("iot:Connect", arn+"client/${iot:Connection.Thing.ThingName}")}, Connect, "client/client1", client1, true},
		{"its short form (pub-sub-policy)", []string{allow("iot:Publish", arn+"topic/${iot:Thing.ThingName}/*")}, Publish, "topic/client1/a", client1, true},
		{"no thing has this name", []string{allow("iot:Connect", arn+"client/${iot:Connection.Thing.ThingName}")}, Connect, "client/a+b", as("a+b"), false},
		{"escaped wildcards (iot-policy-variables)", []string{allow("iot:Publish", arn+"topic/a${*}${?}${$}")}, Publish, "topic/a*?$", client1, true},
		{"escaped wildcards are none", []string{allow("iot:Publish", arn+"topic/a${*}")}, Publish, "topic/ab", client1, false},
		{"a dollar is a character", []string{allow("iot:Publish", arn+"topic/$aws/things/*")}, Publish, "topic/$aws/things/t/shadow/get", client1, true},
		{"another region", []string{allow("iot:Publish", "arn:aws:iot:eu-west-1:*:topic/a")}, Publish, "topic/a", client1, false},
		{"another account", []string{allow("iot:Publish", "arn:aws:iot:us-east-1:000000000000:topic/a")}, Publish, "topic/a", client1, false},
		{"any account where none is set", []string{allow("iot:Publish", "arn:aws:iot:us-east-1:000000000000:topic/a")}, Publish, "topic/a", Variables{Region: "us-east-1"}, true},
		{"another partition", []string{allow("iot:Publish", "arn:aws-cn:iot:*:*:topic/a")}, Publish, "topic/a", client1, false},
		{"its own partition", []string{allow("iot:Publish", "arn:aws-cn:iot:*:*:topic/a")}, Publish, "topic/a", Variables{Region: "cn-north-1"}, true},
		{"every resource of the account", []string{allow("iot:*", arn+"*")}, Subscribe, "topicfilter/a:b", client1, true},
		{"NotAction", []string{`{"Effect":"Allow","NotAction":"iot:Publish","Resource":"*"}`}, Publish, "topic/a", client1, false},
		{"NotAction, another", []string{`{"Effect":"Allow","NotAction":"iot:Publish","Resource":"*"}`}, Receive, "topic/a", client1, true},
		{"NotResource", []string{`{"Effect":"Deny","Action":"iot:Publish","NotResource":"` + arn + `topic/a"}`, allow("iot:*", "*")}, Publish, "topic/b", client1, false},
		{"NotResource, this", []string{`{"Effect":"Deny","Action":"iot:Publish","NotResource":"` + arn + `topic/a"}`, allow("iot:*", "*")}, Publish, "topic/a", client1, true},
		{"NotResource, a variable without a value (IAM, variables)", []string{`{"Effect":"Allow","Action":"iot:Publish","NotResource":"` + arn + `topic/${iot:Connection.Thing.ThingName}"}`}, Publish, "topic/a", as("no thing"), false},
		{"NotResource, its value", []string{`{"Effect":"Allow","Action":"iot:Publish","NotResource":"` + arn + `topic/${iot:Connection.Thing.ThingName}"}`}, Publish, "topic/a", client1, true},
		{"deny NotResource, a variable without a value", []string{allow("iot:*", "*"), `{"Effect":"Deny","Action":"iot:Publish","NotResource":"` + arn + `topic/${iot:Connection.Thing.ThingName}"}`}, Publish, "topic/a", as("no thing"), false},
		{"a negated condition, a variable without a value (IAM, variables)", []string{when(`{"StringNotEquals":{"iot:ClientId":"${iot:Connection.Thing.ThingName}"}}`)}, Publish, "topic/a", as("no thing"), false},
		{"arrays", []string{`{"Effect":"Allow","Action":["iot:Connect","iot:Publish"],"Resource":["` + arn + `topic/a","` + arn + `topic/b"]}`}, Publish, "topic/b", client1, true},
		{"IpAddress (basic-policy-variables)", []string{when(`{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.0/8"]}}`)}, Publish, "topic/a", client1, true},
		{"IpAddress, another", []string{when(`{"IpAddress":{"aws:SourceIp":"123.45.167.89"}}`)}, Publish, "topic/a", client1, false},
		{"NotIpAddress", []string{when(`{"NotIpAddress":{"aws:SourceIp":"127.0.0.1"}}`)}, Publish, "topic/a", client1, false},
		{"Bool (thing-policy-variables)", []string{when(`{"Bool":{"iot:Connection.Thing.IsAttached":["true"]}}`)}, Connect, "client/client1", client1, true},
		{"Bool, not a thing", []string{when(`{"Bool":{"iot:Connection.Thing.IsAttached":true}}`)}, Connect, "client/a b", as("a b"), false},
		{"Bool, no TLS", []string{when(`{"Bool":{"aws:SecureTransport":"true"}}`)}, Publish, "topic/a", client1, false},
		{"StringEquals has no wildcards", []string{when(`{"StringEquals":{"iot:ClientId":"client*"}}`)}, Publish, "topic/a", client1, false},
		{"StringLike", []string{when(`{"StringLike":{"iot:clientid":["x","client*"]}}`)}, Publish, "topic/a", client1, true},
		{"StringNotLike is none of them", []string{when(`{"StringNotLike":{"iot:ClientId":["x","client*"]}}`)}, Publish, "topic/a", client1, false},
		{"StringNotEquals", []string{when(`{"StringNotEquals":{"iot:ClientId":["x","y"]}}`)}, Publish, "topic/a", client1, true},
		{"StringEqualsIgnoreCase", []string{when(`{"StringEqualsIgnoreCase":{"iot:ClientId":"CLIENT1"}}`)}, Publish, "topic/a", client1, true},
		{"a variable among values", []string{when(`{"StringEquals":{"iot:Connection.Thing.ThingName":"${iot:ClientId}"}}`)}, Publish, "topic/a", client1, true},
		{"all conditions (IAM, multi-value conditions)", []string{when(`{"StringEquals":{"iot:ClientId":"client1","iot:DomainName":"example.com"}}`)}, Publish, "topic/a", client1, false},
		{"a key without a value", []string{when(`{"StringEquals":{"iot:DomainName":"a"}}`)}, Publish, "topic/a", Variables{}, false},
		{"a key without a value, negated (IAM, condition operators)", []string{when(`{"StringNotEquals":{"iot:DomainName":"a"}}`)}, Publish, "topic/a", Variables{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parse(t, document(test.statements...)).Allows(test.action, test.resource, test.v); got != test.want {
				t.Errorf("%s on %s: %v", test.action, test.resource, got)
			}
		})
	}
}

func TestParseSaysWhere(t *testing.T) {
	statement := func(members string) string {
		return document(`{"Effect":"Allow","Action":"iot:*","Resource":"*"}`, "{"+members+"}")
	}
	const rest = `,"Effect":"Allow","Resource":"*"`
	for _, test := range []struct{ text, want string }{
		{``, "must be an object"},
		{"{\n}x", "line 2: not JSON"},
		{`{"Statement":[]}`, "Statement: must not be empty"},
		{`{"Statement":1}`, "Statement: must be an object or an array of them"},
		{`{"Version":"2008-10-17"}`, `Version: must be "2012-10-17"`},
		{`{"Version":"2012-10-17"}`, "Statement: is missing"},
		{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, "Version: is missing"},
		{`{"version":"2012-10-17"}`, `unknown member "version", known are Version`},
		{`{"Version":"2012-10-17","Version":"2012-10-17"}`, `member "Version" is given twice`},
		{statement(``), "Statement[1].Effect: is missing"},
		{statement(`"Effect":"allow"`), `Statement[1].Effect: must be "Allow" or "Deny"`},
		{statement(`"Effect":"Allow","Resource":"*"`), "Statement[1].Action: is missing"},
		{statement(`"Effect":"Allow","Action":"*"`), "Statement[1].Resource: is missing"},
		{statement(`"Action":"*","NotAction":"*"` + rest), "Statement[1].NotAction: must not be given together with Action"},
		{statement(`"Action":[]` + rest), "Statement[1].Action: must not be empty"},
		{statement(`"Action":["iot:Connect",1]` + rest), "Statement[1].Action[1]: must be a string"},
		{statement(`"Action":["iot:Connect","iot:Publsh"]` + rest), `Statement[1].Action[1]: "iot:Publsh" is not an action of clients`},
		{statement(`"Action":"s3:*"` + rest), `Statement[1].Action: "s3:*" is not an action of AWS IoT Core`},
		{statement(`"Action":"iot:${iot:ClientId}"` + rest), "Statement[1].Action: policy variables are not for actions"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"topic/a"`), `Statement[1].Resource: "topic/a" must be * or arn:`},
		{statement(`"Effect":"Allow","Action":"*","Resource":["` + arn + `topics/a"]`), "Statement[1].Resource[0]: "},
		{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:iot:us-east-1:account-id:topic/a"`), "malformed account"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:iot::1:topic/a"`), "malformed region"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"` + arn + `topic"`), "the type of the resource is none of client, topic"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"` + arn + `topic/${iot:ClientId"`), "Statement[1].Resource: ${ is not closed"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"` + arn + `topic/${iot:Certificate.Subject.CommonName}"`), "certificates do not authenticate WebSockets"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"` + arn + `topic/${iot:Connection.Thing.Attributes[a]}"`), "there is no registry of things"},
		{statement(`"Effect":"Allow","Action":"*","Resource":"` + arn + `client/${cognito-identity.amazonaws.com:sub}"`), "there are no Amazon Cognito identities"},
		{statement(`"Principal":"*"`), "Statement[1].Principal: is not for a policy which is attached to a principal"},
		{statement(`"Resources":"*"`), `Statement[1]: unknown member "Resources"`},
		{statement(`"Condition":{"DateLessThan":{}}`), `Statement[1].Condition: the gateway does not decide the operator "DateLessThan"`},
		{statement(`"Condition":{"ForAllValues:StringEquals":{"iot:ConnectAttributes":["LastWill"]}}`), `the operator "ForAllValues:StringEquals"`},
		{statement(`"Condition":{"StringEquals":{"aws:username":"a"}}`), `Statement[1].Condition.StringEquals: the gateway does not have the key "aws:username"`},
		{statement(`"Condition":{"StringEquals":{"aws:SourceIp":"a"}}`), "Statement[1].Condition.StringEquals.aws:SourceIp: IpAddress and NotIpAddress are for"},
		{statement(`"Condition":{"IpAddress":{"aws:SourceIp":["127.0.0.1","a"]}}`), "Statement[1].Condition.IpAddress.aws:SourceIp[1]: must be an IP address"},
		{statement(`"Condition":{"Bool":{"iot:ClientId":"true"}}`), "Bool is for"},
		{statement(`"Condition":{"Bool":{"aws:SecureTransport":"yes"}}`), "must be true or false"},
	} {
		_, err := Parse([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) || !errors.As(err, new(*strictjson.Error)) {
			t.Errorf("%s: %v, want %q", test.text, err, test.want)
		}
	}
	if _, err := Parse([]byte(strings.Repeat(" ", maxDocument) + document())); err == nil {
		t.Error("a document of any size is read")
	}
}

func TestSetAndConnection(t *testing.T) {
	own := parse(t, document(`{"Effect":"Allow","Action":"*","Resource":["`+arn+`client/c*","`+arn+`topic/${iot:ClientId}/*"]}`))
	not := parse(t, document(`{"Effect":"Deny","Action":"iot:Publish","Resource":"`+arn+`topic/*/secret"}`))
	c := NewConnection(Set{own, not}, Variables{Region: "us-east-1"})
	for _, step := range []struct {
		action, resource string
		want             bool
	}{
		{Publish, "topic/c1/a", false}, // nobody yet
		{Connect, "client/other", false},
		{Connect, "client/c1", true},
		{Publish, "topic/c1/a", true},
		{Publish, "topic/c2/a", false},
		{Publish, "topic/c1/secret", false},
		{Receive, "topic/c1/secret", true},
	} {
		if got := c.Allows(step.action, step.resource); got != step.want {
			t.Errorf("%s on %s: %v", step.action, step.resource, got)
		}
	}
	if (Set{}).Allows(Connect, "client/c1", Variables{}) || new(Document).Allows(Connect, "client/c1", Variables{}) {
		t.Error("nothing allows something")
	}
	if !AllowAll().Allows("iot:Whatever", "anything", Variables{}) {
		t.Error("everything is not allowed")
	}
}

func TestPatternsTakeNoLongerThanTheirProduct(t *testing.T) {
	d := parse(t, document(`{"Effect":"Allow","Action":"*","Resource":"`+arn+`topic/`+strings.Repeat("*a", 500)+`*b"}`))
	if d.Allows(Publish, "topic/"+strings.Repeat("a", 50000), Variables{}) {
		t.Error("matches")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(document(`{"Sid":"a","Effect":"Allow","Action":["iot:Connect","iot:Pub*"],"Resource":"`+arn+`client/${iot:ClientId}"}`)), "client/c", "c")
	f.Add([]byte(document(`{"Effect":"Deny","NotAction":"iot:*","NotResource":["*"],"Condition":{"StringLike":{"iot:ClientId":["a?","${*}"]}}}`)), "topic/a", "ab")
	f.Add([]byte(document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"::1/64"},"Bool":{"aws:SecureTransport":false}}}`)), "", "")
	f.Fuzz(func(t *testing.T, text []byte, object, id string) {
		d, err := Parse(text)
		if err != nil {
			if d != nil || len(err.Error()) > 1200 || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("not fit for a terminal: %q", err)
			}
			return
		}
		v := Variables{Region: "us-east-1", ClientID: id, SourceIP: netip.IPv6Loopback()}
		allowed := d.Allows(Publish, object, v)
		if (Set{d, {statements: []statement{{deny: true, actions: AllowAll()[0].statements[0].actions, resources: []resource{{every: true}}}}}}).Allows(Publish, object, v) {
			t.Error("an explicit deny did not win")
		}
		if !(Set{d}).Allows(Publish, object, v) == allowed {
			t.Error("a set of one differs from the one")
		}
	})
}
