// Command http2-peer is the other side of an HTTP/2 connection, by Go's net/http or by
// golang.org/x/net/http2 on its own: what client-go and kube-apiserver speak, which take the second
// one. Its exchanges are the same on both sides, so that a test holds our engine against it as a
// server and as a client.
//
//	http2-peer [-x] serve        listens on a free port of loopback, prints it, and serves until end of input
//	http2-peer [-x] ask ADDRESS  runs the exchanges against a server, and prints one line for each
//
// With -x by x/net.
//
// Exchanges, by path:
//
//	/echo      the body comes back, in the trailer X-Length its length
//	/reset     the server resets the stream after the first bytes
//	/headers   the field X-Ask comes back as X-Answer
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	largeBytes  = 100 << 20
	manyStreams = 1000
	askLimit    = 60 * time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "http2-peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var side peer = standard{}
	if len(args) > 0 && args[0] == "-x" {
		side = xNet{}
		args = args[1:]
	}
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(side)
	case len(args) == 2 && args[0] == "ask":
		return ask(side, "http://"+args[1])
	default:
		return errors.New("usage: http2-peer [-x] serve | ask ADDRESS")
	}
}

// peer is one implementation of HTTP/2.
type peer interface {
	// serve returns when stop is closed and what was open has ended, after a GOAWAY.
	serve(listener net.Listener, stop <-chan struct{}) error
	transport() http.RoundTripper
}

type standard struct{}

func (standard) serve(listener net.Listener, stop <-chan struct{}) error {
	server := &http.Server{
		Handler:   http.HandlerFunc(handle),
		Protocols: protocols(),
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: manyStreams},
	}
	ended := make(chan error, 1)
	go func() {
		<-stop
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		ended <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	// Serve returns when the shutdown begins.
	return <-ended
}

func (standard) transport() http.RoundTripper {
	return &http.Transport{Protocols: protocols(), MaxConnsPerHost: 1}
}

// protocols is HTTP/2 without TLS, which is the same frames and needs no certificates.
func protocols() *http.Protocols {
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	return &p
}

func serve(side peer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return side.serve(listener, stop)
}

func handle(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/echo":
		w.Header().Set("Trailer", "X-Length")
		w.WriteHeader(http.StatusOK)
		// So that the client knows that it is being served before it has sent all.
		_ = http.NewResponseController(w).Flush()
		n, err := io.Copy(w, r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("X-Length", strconv.FormatInt(n, 10))
	case "/reset":
		_, _ = io.WriteString(w, "partial")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "/headers":
		w.Header().Set("X-Answer", r.Header.Get("X-Ask"))
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

func ask(side peer, url string) error {
	client := &http.Client{Transport: side.transport(), Timeout: askLimit}
	exchanges := []struct {
		name string
		run  func(*http.Client, string) error
	}{
		{"headers", askHeaders},
		{"small body and trailer", func(c *http.Client, u string) error { return askEcho(c, u, 1000) }},
		{"100 MiB", func(c *http.Client, u string) error { return askEcho(c, u, largeBytes) }},
		{"reset", askReset},
		{"1000 streams", askMany},
		{"cancel", askAndCancel},
	}
	for _, exchange := range exchanges {
		if err := exchange.run(client, url); err != nil {
			return fmt.Errorf("%s: %w", exchange.name, err)
		}
		fmt.Println(exchange.name)
	}
	return nil
}

func askHeaders(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodGet, url+"/headers", nil)
	if err != nil {
		return err
	}
	// Longer than one frame, so that it needs CONTINUATION.
	long := strings.Repeat("v", 20_000)
	request.Header.Set("X-Ask", long)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent || response.Header.Get("X-Answer") != long {
		return fmt.Errorf("status %d, X-Answer of %d bytes", response.StatusCode, len(response.Header.Get("X-Answer")))
	}
	return nil
}

func askEcho(client *http.Client, url string, size int) error {
	body := bytes.Repeat([]byte("0123456789"), size/10+1)[:size]
	// Without a length, as a stream of unknown end.
	request, err := http.NewRequest(http.MethodPost, url+"/echo", io.NopCloser(bytes.NewReader(body)))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	echoed, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if !bytes.Equal(echoed, body) {
		return fmt.Errorf("%d bytes came back, not the %d that were sent", len(echoed), len(body))
	}
	if length := response.Trailer.Get("X-Length"); length != strconv.Itoa(size) {
		return fmt.Errorf("trailer X-Length is %q", length)
	}
	return nil
}

func askReset(client *http.Client, url string) error {
	response, err := client.Get(url + "/reset")
	if err != nil {
		return err
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err == nil || string(read) != "partial" {
		return fmt.Errorf("read %q and the error %v", read, err)
	}
	return nil
}

func askMany(client *http.Client, url string) error {
	var wait sync.WaitGroup
	failures := make(chan error, manyStreams)
	for range manyStreams {
		wait.Go(func() {
			if err := askEcho(client, url, 5000); err != nil {
				failures <- err
			}
		})
	}
	wait.Wait()
	close(failures)
	return <-failures
}

// askAndCancel leaves in the middle of a body; the connection must be as good as before.
func askAndCancel(client *http.Client, url string) error {
	for range 100 {
		reader, writer := io.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/echo", reader)
		if err != nil {
			cancel()
			return err
		}
		go func() { _, _ = writer.Write([]byte("half of it")) }()
		response, err := client.Do(request)
		if err == nil {
			_, _ = io.ReadFull(response.Body, make([]byte, 4))
			response.Body.Close()
		}
		cancel()
		writer.Close()
	}
	return askHeaders(client, url)
}
