// Package access owns the decision who may open a connection, and by which policies:
// a signed request by the gateway's access keys, any other by its custom authorizers.
// It imports sigv4, authorizer and policy, and answers in mqttws's terms, whose
// handler calls it from net/http's goroutines; what it returns is called from the
// broker's.
package access

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"iotwasm/site/gateway/internal/authorizer"
	"iotwasm/site/gateway/internal/mqttws"
	"iotwasm/site/gateway/internal/policy"
	"iotwasm/site/gateway/internal/sigv4"
)

// Gate decides by fixed rules.
type Gate struct {
	Verifier *sigv4.Verifier
	// Policies are those of every client that signs.
	Policies policy.Set
	// Authorizers are for those who do not; nil where there are none.
	Authorizers *authorizer.Rules
	// Account is the AWS account whose resources clients ask for; empty stands for
	// whichever a policy names. The region is the Verifier's.
	Account string
	Now     func() time.Time
}

// Identify finds out who sent r. The error is a *sigv4.Refusal or an
// *authorizer.Refusal and holds no secret.
func (g *Gate) Identify(r *http.Request) (mqttws.Identity, error) {
	v := g.Variables(r)
	if g.Authorizers == nil || sigv4.IsSigned(r) {
		credentials, err := g.Verifier.Verify(r, g.Now())
		if err != nil {
			return mqttws.Identity{}, err
		}
		// That temporary credentials expire does not end a connection.
		return mqttws.Identity{ID: credentials.AccessKeyID, Allows: policy.NewConnection(g.Policies, v).Allows}, nil
	}
	grant, login, err := g.Authorizers.Upgrade(r)
	if err != nil {
		return mqttws.Identity{}, err
	}
	if login == nil {
		return g.granted(grant, v), nil
	}
	return mqttws.Identity{
		Allows: func(string, string) bool { return false },
		Authenticate: func(username string, password []byte) (mqttws.Identity, error) {
			grant, err := login(username, password)
			if err != nil {
				return mqttws.Identity{}, err
			}
			return g.granted(grant, v), nil
		},
	}, nil
}

func (g *Gate) granted(grant authorizer.Grant, v policy.Variables) mqttws.Identity {
	return mqttws.Identity{
		ID: grant.PrincipalID, Allows: policy.NewConnection(grant.Policies, v).Allows, ExpiresAt: g.Now().Add(grant.Lifetime),
	}
}

// Variables returns what policies can know of the client that sent r.
func (g *Gate) Variables(r *http.Request) policy.Variables {
	v := policy.Variables{Region: g.Verifier.Region, Account: g.Account, DomainName: strings.ToLower(r.Host), Secure: r.TLS != nil}
	if host, _, err := net.SplitHostPort(v.DomainName); err == nil {
		v.DomainName = host
	}
	v.DomainName = strings.Trim(v.DomainName, "[]") // of IPv6 without a port
	if remote, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.SourceIP = remote.Addr()
	}
	return v
}
