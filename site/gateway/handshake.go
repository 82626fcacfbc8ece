package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"iotwasm/site/gateway/internal/access"
	"iotwasm/site/gateway/internal/authorizer"
	"iotwasm/site/gateway/internal/credentials"
	"iotwasm/site/gateway/internal/policy"
	"iotwasm/site/gateway/internal/sigv4"
	"iotwasm/site/gateway/internal/tlscert"
)

var accountPattern = regexp.MustCompile(`^[0-9]{12}$`)

// handshakeFlags are the flags about who may connect, and whether over TLS.
type handshakeFlags struct {
	furtherKeys                  []string // id:secret
	acceptData                   bool
	duration                     time.Duration
	account, policy, authorizers string // the latter two are files
	tls                          bool
	tlsDir, tlsCert, tlsKey      string
}

func (h *handshakeFlags) add(flags *flag.FlagSet) {
	h.duration = credentials.DefaultDuration
	flags.Func("access-key", "a further access key, as `id:secret`; may be given again and again", func(text string) error {
		h.furtherKeys = append(h.furtherKeys, text) // read in open: flag shows the values which it refuses
		return nil
	})
	flags.BoolVar(&h.acceptData, "accept-iotdata", false, "accept upgrades that are signed for the service iotdata too")
	flags.Func("credentials-duration", "how long what /credentials issues is good for, a `duration`, unless the request says it; the default is 1h", func(text string) error {
		duration, err := time.ParseDuration(text)
		if err != nil || duration < credentials.MinDuration || duration > credentials.MaxDuration {
			return fmt.Errorf("want %v to %v", credentials.MinDuration, credentials.MaxDuration)
		}
		h.duration = duration
		return nil
	})
	flags.Func("account", "AWS account `number` in the ARNs of policies; without it every number there will do", func(text string) error {
		if !accountPattern.MatchString(text) {
			return errors.New("want 12 digits")
		}
		h.account = text
		return nil
	})
	flags.StringVar(&h.policy, "policy", "", "JSON `file` with the AWS IoT policy of clients that sign; without it they may do everything")
	flags.StringVar(&h.authorizers, "authorizers", "", "JSON `file` with custom authorizers for clients that do not sign")
	flags.BoolVar(&h.tls, "tls", false, "serve https and wss, with a certificate that is made anew at each start")
	flags.StringVar(&h.tlsDir, "tls-dir", "", "as -tls, but keep the certificate in a `directory`, with an authority to trust once")
	flags.StringVar(&h.tlsCert, "tls-cert", "", "as -tls, but with the certificate of a PEM `file`")
	flags.StringVar(&h.tlsKey, "tls-key", "", "PEM `file` with the key of -tls-cert")
}

// handshake is what the flags ask for.
type handshake struct {
	keys        *credentials.Store
	gate        *access.Gate
	certificate *tlscert.Certificate // nil without TLS
}

func (h *handshakeFlags) open(first sigv4.Credentials, region string) (*handshake, error) {
	permanent := []sigv4.Credentials{first}
	for _, text := range h.furtherKeys {
		id, secret, ok := strings.Cut(text, ":")
		if !ok || id == "" || secret == "" {
			return nil, errors.New("-access-key: want id:secret")
		}
		permanent = append(permanent, sigv4.NewCredentials(id, secret))
	}
	keys, err := credentials.NewStore(permanent...)
	if err != nil {
		return nil, err
	}
	gate := &access.Gate{
		Verifier: &sigv4.Verifier{Keys: keys, Region: region, AcceptData: h.acceptData},
		Policies: policy.AllowAll(), Account: h.account, Now: time.Now,
	}
	if h.policy != "" {
		document, err := readFile(h.policy, policy.Parse)
		if err != nil {
			return nil, fmt.Errorf("-policy: %w", err)
		}
		gate.Policies = policy.Set{document}
	}
	if h.authorizers != "" {
		if gate.Authorizers, err = readFile(h.authorizers, authorizer.Parse); err != nil {
			return nil, fmt.Errorf("-authorizers: %w", err)
		}
	}
	certificate, err := h.certificate(time.Now())
	if err != nil {
		return nil, err
	}
	return &handshake{keys, gate, certificate}, nil
}

func readFile[T any](path string, parse func([]byte) (*T, error)) (*T, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	value, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return value, nil
}

func (h *handshakeFlags) certificate(now time.Time) (*tlscert.Certificate, error) {
	switch own := h.tlsCert != "" || h.tlsKey != ""; {
	case own && (h.tlsCert == "" || h.tlsKey == ""):
		return nil, errors.New("-tls-cert and -tls-key go together")
	case own && h.tlsDir != "":
		return nil, errors.New("-tls-dir: there is nothing to keep with -tls-cert")
	case own:
		certificate, err := tlscert.Read(h.tlsCert, h.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("-tls-cert: %w", err)
		}
		return certificate, nil
	case h.tlsDir != "":
		certificate, err := tlscert.InDirectory(h.tlsDir, now)
		if err != nil {
			return nil, fmt.Errorf("-tls-dir: %w", err)
		}
		return certificate, nil
	case h.tls:
		certificate, err := tlscert.New(now)
		if err != nil {
			return nil, fmt.Errorf("-tls: %w", err)
		}
		return certificate, nil
	}
	return nil, nil
}

// over returns the listener to serve, and the letter which TLS adds to a scheme.
func (h *handshake) over(listener net.Listener) (net.Listener, string) {
	if h.certificate == nil {
		return listener, ""
	}
	return tls.NewListener(listener, h.certificate.Config()), "s"
}

// describe says what there is to trust.
func (h *handshake) describe() string {
	if h.certificate == nil {
		return ""
	}
	text := fmt.Sprintf("certificate SHA-256 %s, until %s\n", h.certificate.Fingerprint(), h.certificate.Expires().Format(time.DateOnly))
	if h.certificate.AuthorityFile != "" {
		text += fmt.Sprintf("authority   %s, to be trusted once\n", h.certificate.AuthorityFile)
	}
	return text
}
