// Command gateway serves the site and a local stand-in for AWS IoT Core on one
// loopback port: signed WebSockets at /mqtt, MQTT 5 and 3.1.1, and the Device Shadow
// service. It is for development, demos and tests.
//
// It owns flags, the listener and the order of start and stop, and wires the packages
// under internal; each of those says what it owns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"iotwasm/site/gateway/internal/admin"
	"iotwasm/site/gateway/internal/broker"
	"iotwasm/site/gateway/internal/credentials"
	"iotwasm/site/gateway/internal/loopback"
	"iotwasm/site/gateway/internal/mqttws"
	"iotwasm/site/gateway/internal/shadow"
	"iotwasm/site/gateway/internal/sigv4"
	"iotwasm/site/gateway/internal/web"
)

// shutdownTimeout is how long requests under way may take when the gateway ends.
const shutdownTimeout = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	addr, region, siteDir, packageDir string
	credentials                       sigv4.Credentials
	profile                           broker.Profile
	profileName                       string
	handshake                         handshakeFlags
	shadows                           shadowFlags
	faults                            faultFlags
	plain                             plainFlag
}

func readFlags(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("gateway", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "loopback `address` to listen on; port 0 takes a free one")
	flags.StringVar(&o.region, "region", "us-east-1", "AWS `region` which clients must sign for")
	keyID := flags.String("access-key-id", "AKIDLOCALGATEWAY", "access key `id` which clients sign with")
	secret := flags.String("secret-access-key", "localgatewaysecret", "its `secret`; it is printed, so never a real one")
	flags.StringVar(&o.siteDir, "site", "site", "`directory` served at /")
	flags.StringVar(&o.packageDir, "pkg", "jsglue/dist", "`directory` served at /pkg/")
	flags.StringVar(&o.profileName, "profile", "aws", "how MQTT behaves, its `name`: aws, with AWS IoT Core's limits and deviations, or generic, a plain MQTT 5 broker")
	limits := flags.String("limits", "", "JSON `file` that changes numbers of the profile, for example {\"publishesPerSecond\": 10}")
	var age *broker.Duration
	flags.Func("max-connection-age", "how long a connection may last, a `duration`; 0 is for ever, the profile aws has 24h", func(text string) error {
		duration, err := time.ParseDuration(text)
		if err != nil || duration < 0 {
			return errors.New("want 0 or more with a unit, for example 90s or 24h")
		}
		age = new(broker.Duration(duration))
		return nil
	})
	o.handshake.add(flags)
	o.shadows.add(flags)
	o.faults.add(flags)
	o.plain.add(flags)
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.profile, err = broker.ProfileNamed(o.profileName); err != nil {
		return o, fmt.Errorf("-profile: %w", err)
	}
	if *limits != "" {
		if err := o.profile.ReadLimits(*limits); err != nil {
			return o, fmt.Errorf("-limits: %w", err)
		}
	}
	if age != nil {
		o.profile.MaximumConnectionAge = *age
	}
	o.credentials = sigv4.NewCredentials(*keyID, *secret)
	return o, nil
}

// listen refuses what other machines could reach.
func listen(ctx context.Context, name, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if !loopback.IsHost(host) {
		return nil, fmt.Errorf("%s %s: the gateway listens on loopback only, for example 127.0.0.1:8080", name, addr)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close() // it was not used
		return nil, fmt.Errorf("%s %s: the name does not lead to a loopback address", name, addr)
	}
	return listener, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := readFlags(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	shake, err := o.handshake.open(o.credentials, o.region)
	if err != nil {
		return err
	}
	shadows, err := o.shadows.open(o.profileName, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, shadows.records.Close()) }() // last of all
	desk := shadows.desk
	faults, err := o.faults.open(shadows.service)
	if err != nil {
		return err
	}
	plain, err := o.plain.open(ctx, o.profileName, shake)
	if err != nil {
		return err
	}
	defer plain.close()
	listener, err := listen(ctx, "-addr", o.addr)
	if err != nil {
		return err
	}
	mqtt, err := broker.New(log, broker.Options{Profile: o.profile, Reserved: shadow.IsAnswer, Published: desk.Topic})
	if err != nil {
		_ = listener.Close() // it was not used
		return err
	}
	desk.Publish = func(m shadow.Message) { mqtt.Publish(m.Topic, m.Payload, 1, false) }
	apis := shadows.api(o.region, shake, log)
	apis["/credentials"] = &credentials.Handler{Store: shake.keys, Duration: o.handshake.duration, Now: time.Now, Log: log}
	apis[admin.Path] = seeingIn(mqtt, shadows, o.profileName, log)

	faults.addTo(apis, log)

	var connections sync.WaitGroup // net/http does not wait for hijacked ones
	upgrade := &mqttws.Handler{
		Identify: shake.gate.Identify,
		Serve: func(ctx context.Context, conn *mqttws.Conn, identity mqttws.Identity) error {
			return mqtt.Serve(ctx, faults.injector.Wrap(conn), principal(identity))
		},
		Log: log,
	}
	upgrades := faults.injector.Upgrades(upgrade)
	site := &web.Site{
		Dir: o.siteDir, PackageDir: o.packageDir,
		Region: o.region, Credentials: o.credentials,
		MQTTPath: mqttws.Path,
		MQTT: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections.Add(1)
			defer connections.Done()
			upgrades.ServeHTTP(w, r)
		}),
		APIs: apis,
		Log:  log,
	}
	server := &http.Server{
		Handler:           site.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}

	host := listener.Addr().String()
	over, secure := shake.over(listener)
	fmt.Fprintf(stdout, "console     http%s://%s/\nendpoint    ws%s://%s\nregion      %s\n%saccess key  %s\nsecret key  %s\n%s",
		secure, host, secure, host, o.region, faults.describe(), o.credentials.AccessKeyID, o.credentials.SecretAccessKey(), plain.describe()+shake.describe())

	served := make(chan error, 1)
	go func() { served <- server.Serve(over) }()
	connections.Go(func() { plain.accept(mqtt, faults.injector, &connections, log) })
	select {
	case err = <-served:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = nil
	}

	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	faults.injector.Close() // nothing hangs any more
	_ = listener.Close()    // first, so that nobody reconnects to a broker that ends
	plain.close()
	desk.Close() // no answer is published any more
	err = errors.Join(err, mqtt.Close())
	if server.Shutdown(stopping) != nil {
		_ = server.Close() // what is left has had its time
	}
	connections.Wait()
	return err
}

// principal is an identity in the broker's terms.
func principal(i mqttws.Identity) broker.Principal {
	p := broker.Principal{ID: i.ID, Allows: i.Allows, ExpiresAt: i.ExpiresAt}
	if i.Authenticate != nil {
		p.Authenticate = func(username string, password []byte) (broker.Principal, error) {
			identity, err := i.Authenticate(username, password)
			return principal(identity), err
		}
	}
	return p
}
