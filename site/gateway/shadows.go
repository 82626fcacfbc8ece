package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/shadowapi"
	"iotwasm/site/gateway/internal/store"
)

// shadowFlags are the flags of the Device Shadow service.
type shadowFlags struct {
	dataDir       string
	depth, bytes  int
	rate, account int // negative: the profile's
	inFlight      int
	serviceTime   time.Duration
	creation      shadow.CreationFault
}

func (s *shadowFlags) add(flags *flag.FlagSet) {
	flags.StringVar(&s.dataDir, "data", "", "`directory` where shadows are kept between runs; empty keeps them in memory")
	flags.IntVar(&s.depth, "shadow-depth", 8, "how many `levels` desired and reported may have; AWS's documents say 5, 6 and 8")
	flags.IntVar(&s.bytes, "shadow-bytes", 8<<10, "how many `bytes` desired and reported may take together")
	flags.IntVar(&s.rate, "shadow-rate", -1, "how many `requests` for the shadows of one thing are taken in a second; 0 is no limit, the profile aws has 20")
	flags.IntVar(&s.account, "shadow-account-rate", -1, "how many `requests` for all shadows are taken in a second; 0 is no limit, the profile aws has 400")
	flags.IntVar(&s.inFlight, "shadow-in-flight", -1, "how many `requests` for the shadows of one thing may be under way; 0 is no limit, the profile aws has 10")
	flags.DurationVar(&s.serviceTime, "shadow-service-time", -1, "for how long a request counts as under way at the least, a `duration`; the profile aws has 25ms")
	flags.Func("shadow-creation-spacing", "how long after the creation of a named shadow the thing is refused another, a `duration`; 0, the default, refuses none", func(text string) error {
		spacing, err := time.ParseDuration(text)
		if err != nil || spacing < 0 {
			return errors.New("want 0 or more with a unit, for example 1500ms or 2s")
		}
		s.creation.Spacing = spacing
		return nil
	})
	flags.Func("shadow-creation-fault", "what -shadow-creation-spacing does, its `mode`: reject, the default, answers with code 429; drop does not answer", func(text string) error {
		if text != "reject" && text != "drop" {
			return errors.New("want reject or drop")
		}
		s.creation.Drop = text == "drop"
		return nil
	})
}

// limits are those of the profile, with what the flags change.
func (s *shadowFlags) limits(profile string) (shadow.Limits, error) {
	limits := shadow.DefaultLimits()
	if profile == "aws" {
		limits = shadow.AWSLimits()
	}
	if s.depth < 1 {
		return limits, errors.New("-shadow-depth: want 1 or more")
	}
	if s.bytes < 1 {
		return limits, errors.New("-shadow-bytes: want 1 or more")
	}
	limits.Depth, limits.DocumentBytes = s.depth, s.bytes
	for limit, given := range map[*int]int{&limits.RequestsPerSecond: s.rate, &limits.AccountRequestsPerSecond: s.account, &limits.InFlight: s.inFlight} {
		if given >= 0 {
			*limit = given
		}
	}
	if s.serviceTime >= 0 {
		limits.ServiceTime = s.serviceTime
	}
	return limits, nil
}

// shadows is the Device Shadow service and what it keeps its documents in.
type shadows struct {
	service *shadow.Service
	desk    *shadow.Desk
	records store.Store
}

func (s *shadowFlags) open(profile string, log *slog.Logger) (*shadows, error) {
	limits, err := s.limits(profile)
	if err != nil {
		return nil, err
	}
	var records store.Store = store.NewMemory()
	if s.dataDir != "" {
		if records, err = store.Open(s.dataDir, store.DefaultLockTimeout); err != nil {
			return nil, fmt.Errorf("-data: %w", err)
		}
	}
	service, err := shadow.New(shadow.Config{Limits: limits, CreationFault: s.creation, Store: records}, time.Now())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("-data: %w", err), records.Close())
	}
	return &shadows{service: service, desk: shadow.NewDesk(service, time.Now, log), records: records}, nil
}

// api is the HTTPS side of the service, by path.
func (s *shadows) api(region string, shake *handshake, log *slog.Logger) map[string]http.Handler {
	data := &shadowapi.Handler{
		Desk: s.desk, Now: time.Now, Log: log,
		Verifier: &shadowapi.Signatures{Region: region, Keys: shake.keys},
		Allow: func(r *http.Request, action, thing, name string) bool {
			resource := "thing/" + thing
			if name != "" {
				resource += "/" + name
			}
			return shake.gate.Policies.Allows(action, resource, shake.gate.Variables(r))
		},
	}
	apis := make(map[string]http.Handler)
	for _, path := range shadowapi.Paths {
		apis[path] = data
	}
	return apis
}
