package main

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"

	"golang.org/x/net/http2"
)

// xNet is golang.org/x/net/http2, without TLS.
type xNet struct{}

func (xNet) serve(listener net.Listener, stop <-chan struct{}) error {
	engine := &http2.Server{MaxConcurrentStreams: manyStreams}
	// It serves nothing: it is how the engine is told to go away.
	base := &http.Server{Handler: http.HandlerFunc(handle)}
	if err := http2.ConfigureServer(base, engine); err != nil {
		return err
	}
	var open sync.WaitGroup
	go func() {
		<-stop
		_ = base.Shutdown(context.Background())
		listener.Close()
	}()
	for {
		conn, err := listener.Accept()
		if err != nil {
			open.Wait()
			return nil
		}
		open.Go(func() {
			engine.ServeConn(conn, &http2.ServeConnOpts{BaseConfig: base})
		})
	}
}

func (xNet) transport() http.RoundTripper {
	return &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address)
		},
		StrictMaxConcurrentStreams: true,
	}
}
