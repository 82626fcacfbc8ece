package policy

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"iotwasm/site/gateway/internal/strictjson"
)

// condition is one key under one operator, whose values are alternatives.
type condition struct {
	negated  bool
	key      string // of variables
	ignore   bool   // case
	values   []pattern
	prefixes []netip.Prefix // in the place of values
}

// operator is a condition operator of IAM's.
type operator struct{ negated, ignoreCase, wildcards, address, boolean bool }

var operators = map[string]operator{
	"StringEquals":              {},
	"StringNotEquals":           {negated: true},
	"StringEqualsIgnoreCase":    {ignoreCase: true},
	"StringNotEqualsIgnoreCase": {ignoreCase: true, negated: true},
	"StringLike":                {wildcards: true},
	"StringNotLike":             {wildcards: true, negated: true},
	"Bool":                      {boolean: true},
	"IpAddress":                 {address: true},
	"NotIpAddress":              {address: true, negated: true},
}

const (
	knownOperators = "StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike, Bool, IpAddress and NotIpAddress"
	addressKey     = "aws:sourceip"
)

var booleanKeys = []string{"aws:securetransport", "iot:connection.thing.isattached"}

func parseConditions(text []byte) ([]condition, error) {
	blocks, err := strictjson.Object(text)
	if err != nil {
		return nil, err
	}
	var conditions []condition
	for _, block := range blocks {
		op, ok := operators[block.Name]
		if !ok {
			return nil, strictjson.Problem("the gateway does not decide the operator %s: it knows %s", strictjson.Quote(block.Name), knownOperators)
		}
		keys, err := strictjson.Object(block.Value)
		if err != nil {
			return nil, strictjson.In(block.Name, err)
		}
		for _, key := range keys {
			c, err := parseCondition(op, key.Name, key.Value)
			if err != nil {
				return nil, strictjson.In(block.Name, err)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

func parseCondition(op operator, name string, text json.RawMessage) (condition, error) {
	c := condition{negated: op.negated, ignore: op.ignoreCase, key: strings.ToLower(name)}
	if variables[c.key] == nil {
		return c, strictjson.Problem("the gateway does not have the key %s: it knows %s", strictjson.Quote(name), knownVariables)
	}
	switch {
	case op.address != (c.key == addressKey):
		return c, strictjson.In(name, strictjson.Problem("IpAddress and NotIpAddress are for aws:SourceIp, and aws:SourceIp for them"))
	case op.boolean && !slices.Contains(booleanKeys, c.key):
		return c, strictjson.In(name, strictjson.Problem("Bool is for aws:SecureTransport and iot:Connection.Thing.IsAttached"))
	}
	var values []string
	if flag, err := strictjson.Bool(text); op.boolean && err == nil {
		values = []string{strconv.FormatBool(flag)}
	} else if values, err = strictjson.OneOrMore(text); err != nil {
		return c, strictjson.In(name, err)
	}
	for i, value := range values {
		if err := c.add(op, value); err != nil {
			return c, strictjson.In(name, strictjson.In(strictjson.Index(i), err))
		}
	}
	return c, nil
}

func (c *condition) add(op operator, value string) error {
	if op.address {
		prefix, err := netip.ParsePrefix(value)
		if err != nil {
			address, err := netip.ParseAddr(value)
			if err != nil || address.Zone() != "" {
				return strictjson.Problem("must be an IP address or a range of them, such as 203.0.113.0/24")
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		c.prefixes = append(c.prefixes, prefix.Masked())
		return nil
	}
	if op.boolean {
		if value = strings.ToLower(value); value != "true" && value != "false" {
			return strictjson.Problem("must be true or false")
		}
	}
	if op.ignoreCase {
		value = strings.ToLower(value) // the names of variables have no case
	}
	p, err := parsePattern(value, op.wildcards)
	c.values = append(c.values, p)
	return err
}

// holds reports whether the condition is met. A key without a value meets a negated
// one only.
func (c *condition) holds(v *Variables) bool {
	value, ok := variables[c.key](v)
	if !ok {
		return c.negated
	}
	found := false
	if c.prefixes != nil {
		for _, prefix := range c.prefixes {
			found = found || prefix.Contains(sourceIP(v))
		}
		return found != c.negated
	}
	known := v
	if c.ignore {
		value = strings.ToLower(value)
		folded := *v
		folded.ClientID, folded.DomainName = strings.ToLower(v.ClientID), strings.ToLower(v.DomainName)
		known = &folded
	}
	for _, p := range c.values {
		found = found || p.matches(value, known)
	}
	return found != c.negated
}
