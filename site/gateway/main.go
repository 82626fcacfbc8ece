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

	"iotwasm/site/gateway/internal/broker"
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
	creationFault                     shadow.CreationFault
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
	flags.Func("shadow-creation-spacing", "how long after the creation of a named shadow the thing is refused another, a `duration`; 0, the default, refuses none", func(text string) error {
		spacing, err := time.ParseDuration(text)
		if err != nil || spacing < 0 {
			return errors.New("want 0 or more with a unit, for example 1500ms or 2s")
		}
		o.creationFault.Spacing = spacing
		return nil
	})
	flags.Func("shadow-creation-fault", "what -shadow-creation-spacing does, its `mode`: reject, the default, answers with code 429; drop does not answer", func(text string) error {
		if text != "reject" && text != "drop" {
			return errors.New("want reject or drop")
		}
		o.creationFault.Drop = text == "drop"
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	o.credentials = sigv4.NewCredentials(*keyID, *secret)
	return o, nil
}

// listen refuses what other machines could reach.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if !loopback.IsHost(host) {
		return nil, fmt.Errorf("-addr %s: the gateway listens on loopback only, for example 127.0.0.1:8080", addr)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("-addr: %w", err)
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		_ = listener.Close() // it was not used
		return nil, fmt.Errorf("-addr %s: the name does not lead to a loopback address", addr)
	}
	return listener, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := readFlags(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	listener, err := listen(ctx, o.addr)
	if err != nil {
		return err
	}
	mqtt, err := broker.New(log, time.Now, o.creationFault)
	if err != nil {
		_ = listener.Close() // it was not used
		return err
	}

	var connections sync.WaitGroup // net/http does not wait for hijacked ones
	upgrade := &mqttws.Handler{
		Verifier: &sigv4.Verifier{Credentials: o.credentials, Region: o.region},
		Serve:    func(ctx context.Context, conn *mqttws.Conn) error { return mqtt.Serve(ctx, conn) },
		Log:      log,
		Now:      time.Now,
	}
	site := &web.Site{
		Dir: o.siteDir, PackageDir: o.packageDir,
		Region: o.region, Credentials: o.credentials,
		MQTTPath: mqttws.Path,
		MQTT: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			connections.Add(1)
			defer connections.Done()
			upgrade.ServeHTTP(w, r)
		}),
		Log: log,
	}
	server := &http.Server{
		Handler:           site.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}

	host := listener.Addr().String()
	fmt.Fprintf(stdout, "console     http://%s/\nendpoint    ws://%s\nregion      %s\naccess key  %s\nsecret key  %s\n",
		host, host, o.region, o.credentials.AccessKeyID, o.credentials.SecretAccessKey())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		err = nil
	}

	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	_ = listener.Close() // first, so that nobody reconnects to a broker that ends
	err = errors.Join(err, mqtt.Close())
	if server.Shutdown(stopping) != nil {
		_ = server.Close() // what is left has had its time
	}
	connections.Wait()
	return err
}
