// Package policy owns AWS IoT Core policies: their JSON documents, in IAM's form, and
// the decision what they allow. It is written from the developer guide ("AWS IoT Core
// policies", "policy variables", "Publish/Subscribe policy examples") and the policy
// reference of the IAM user guide. What a document says and the gateway cannot decide
// is refused when it is read, by an error that names the statement and the field.
//
// It imports strictjson. access makes a Connection for each client, and the broker
// asks it from that client's goroutine and, for deliveries, from publishers'.
package policy

import (
	"net/netip"
	"regexp"
	"strings"
	"sync"
)

// Actions of MQTT and of the Device Shadow service.
const (
	Connect                  = "iot:Connect"
	Publish                  = "iot:Publish"
	RetainPublish            = "iot:RetainPublish"
	Subscribe                = "iot:Subscribe"
	Receive                  = "iot:Receive"
	DeleteConnection         = "iot:DeleteConnection"
	GetRetainedMessage       = "iot:GetRetainedMessage"
	ListRetainedMessages     = "iot:ListRetainedMessages"
	GetThingShadow           = "iot:GetThingShadow"
	UpdateThingShadow        = "iot:UpdateThingShadow"
	DeleteThingShadow        = "iot:DeleteThingShadow"
	ListNamedShadowsForThing = "iot:ListNamedShadowsForThing"
)

const (
	arnSections  = 6 // arn:partition:iot:region:account:resource
	thingNameMax = 128
)

// actions are those which a document may name.
var actions = []string{
	Connect, Publish, RetainPublish, Subscribe, Receive, DeleteConnection, GetRetainedMessage, ListRetainedMessages,
	GetThingShadow, UpdateThingShadow, DeleteThingShadow, ListNamedShadowsForThing,
}

var thingNamePattern = regexp.MustCompile(`^[a-zA-Z0-9:_-]+$`)

// Variables are what is known of the client whose request is decided.
type Variables struct {
	// Region and Account are those of the requested resources. Empty ones are every
	// region's and every account's, so that a policy of a real account works here.
	Region, Account string
	// ClientID is the MQTT client identifier, and the name of the client's thing.
	ClientID string
	SourceIP netip.Addr
	// DomainName is the host which the client connected to, without its port.
	DomainName string
	// Secure says that it connected over TLS.
	Secure bool
}

// Document is one policy. Its zero value allows nothing.
type Document struct{ statements []statement }

type statement struct {
	deny       bool
	actions    []pattern
	notActions bool
	resources  []resource
	notThose   bool // resources are those which the statement is not about
	conditions []condition
}

// Set is the policies of one principal. Without any it allows nothing.
type Set []*Document

// AllowAll returns a set that allows everything.
func AllowAll() Set {
	everything := pattern{{kind: many}}
	return Set{{statements: []statement{{actions: []pattern{everything}, resources: []resource{{every: true}}}}}}
}

// Allows reports whether the document on its own allows an action, such as
// iot:Publish, on a resource: an ARN, or its last part, such as topic/a/b. What no
// statement allows is not allowed, and what one denies is not, whatever others say.
func (d *Document) Allows(action, resource string, v Variables) bool {
	return Set{d}.Allows(action, resource, v)
}

// Allows is Document.Allows for all the documents together.
func (s Set) Allows(action, resource string, v Variables) bool {
	r := newRequest(action, resource, v)
	allowed := false
	for _, document := range s {
		for i := range document.statements {
			st := &document.statements[i]
			if (st.deny || !allowed) && st.covers(&r) {
				if st.deny {
					return false
				}
				allowed = true
			}
		}
	}
	return allowed
}

// request is one question.
type request struct {
	action                             string // in lower case: IAM does not tell cases apart
	partition, region, account, object string // an empty one matches whatever a document says
	variables                          Variables
}

func newRequest(action, resource string, v Variables) request {
	r := request{action: strings.ToLower(action), region: v.Region, account: v.Account, object: resource, variables: v}
	if parts := strings.SplitN(resource, ":", arnSections); len(parts) == arnSections && parts[0] == "arn" {
		r.partition, r.region, r.account, r.object = parts[1], parts[3], parts[4], parts[5]
		return r
	}
	switch {
	case v.Region == "":
	case strings.HasPrefix(v.Region, "cn-"):
		r.partition = "aws-cn"
	case strings.HasPrefix(v.Region, "us-gov-"):
		r.partition = "aws-us-gov"
	default:
		r.partition = "aws"
	}
	return r
}

func (s *statement) covers(r *request) bool {
	action := false
	for _, p := range s.actions {
		action = action || p.matches(r.action, &r.variables)
	}
	if action == s.notActions {
		return false
	}
	if !s.deny && s.exceptsUnresolved(&r.variables) {
		return false
	}
	object := false
	for i := range s.resources {
		object = object || s.resources[i].covers(r)
	}
	if object == s.notThose {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(&r.variables) {
			return false
		}
	}
	return true
}

// exceptsUnresolved reports whether the statement makes an exception for a variable
// without a value. It would except nothing; AWS may take such a statement for invalid.
func (s *statement) exceptsUnresolved(v *Variables) bool {
	for i := range s.resources {
		if s.notThose && !s.resources[i].object.resolved(v) {
			return true
		}
	}
	for i := range s.conditions {
		for _, value := range s.conditions[i].values {
			if s.conditions[i].negated && !value.resolved(v) {
				return true
			}
		}
	}
	return false
}

// resource is one of a statement's.
type resource struct {
	every                              bool // it is *
	partition, region, account, object pattern
}

func (r *resource) covers(q *request) bool {
	if r.every {
		return true
	}
	matches := func(p pattern, value string) bool { return value == "" || p.matches(value, &q.variables) }
	return matches(r.partition, q.partition) && matches(r.region, q.region) && matches(r.account, q.account) &&
		r.object.matches(q.object, &q.variables)
}

// Connection is what the policies of one client allow it. It learns the client's
// identifier from the iot:Connect which comes first.
type Connection struct {
	policies Set

	mu        sync.Mutex
	variables Variables
}

// NewConnection returns the connection of a client of which v is known.
func NewConnection(policies Set, v Variables) *Connection {
	return &Connection{policies: policies, variables: v}
}

// Allows reports whether the client may do action on resource: see Document.Allows.
func (c *Connection) Allows(action, resource string) bool {
	c.mu.Lock()
	if strings.EqualFold(action, Connect) {
		object := newRequest(action, resource, c.variables).object
		if id, ok := strings.CutPrefix(object, "client/"); ok {
			c.variables.ClientID = id
		}
	}
	v := c.variables
	c.mu.Unlock()
	return c.policies.Allows(action, resource, v)
}
