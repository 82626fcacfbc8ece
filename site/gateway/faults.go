package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"

	"iotwasm/site/gateway/internal/fault"
)

// tokenPattern is what a bearer token may be (RFC 6750), and long enough.
var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9._~+/-]{16,256}$`)

// faultFlags are the flags about what goes wrong on demand.
type faultFlags struct {
	rules []fault.Rule
	token string
}

func (f *faultFlags) add(flags *flag.FlagSet) {
	flags.Func("fault", "a rule for what goes wrong, as `JSON`, for example {\"fault\": \"puback\", \"action\": \"drop\", \"times\": 1}, or @ and a file with rules; may be given again and again", func(text string) error {
		content := []byte(text)
		if path, isFile := strings.CutPrefix(text, "@"); isFile {
			var err error
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		plan, err := fault.ParsePlan(content)
		if err != nil {
			return err
		}
		f.rules = append(f.rules, plan.Rules...)
		return nil
	})
	// Not checked here: an error of package flag would show it.
	flags.StringVar(&f.token, "control-token", "", "the `token` which the control API asks for, instead of one that is made at each start; it is printed")
}

// faults is what goes wrong on demand, and the token of who may demand it.
type faults struct {
	injector *fault.Injector
	token    string
}

func (f *faultFlags) open(shadows fault.Shadows) (*faults, error) {
	opened := &faults{injector: fault.New(shadows), token: f.token}
	switch {
	case opened.token == "":
		opened.token = fault.NewToken()
	case !tokenPattern.MatchString(opened.token):
		return nil, errors.New("-control-token: want 16 to 256 letters, digits and . _ ~ + / -")
	}
	for _, rule := range f.rules {
		if _, err := opened.injector.Add(rule); err != nil {
			return nil, fmt.Errorf("-fault: %w", err)
		}
	}
	return opened, nil
}

// addTo adds the control API.
func (f *faults) addTo(apis map[string]http.Handler, log *slog.Logger) {
	control := &fault.Control{Injector: f.injector, Token: f.token, Log: log}
	handler := control.Handler()
	for _, path := range fault.Paths {
		apis[path] = handler
	}
}

// describe says how to get at the control API.
func (f *faults) describe() string { return fmt.Sprintf("control     %s\n", f.token) }
