// Command go-proxy is what one writes in Go without further thought: net/http/httputil with HTTP/2
// on both sides. The gateways of the Kubernetes world are of this class.
package main

import (
	"crypto/tls"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

func main() {
	listen := flag.String("listen", "", "address")
	cert := flag.String("cert", "", "certificate file")
	key := flag.String("key", "", "key file")
	upstreams := flag.String("upstreams", "", "URLs with commas between them")
	flag.Parse()
	var targets []*url.URL
	for _, text := range strings.Split(*upstreams, ",") {
		target, err := url.Parse(text)
		if err != nil {
			log.Fatal(err)
		}
		targets = append(targets, target)
	}
	var turn atomic.Uint64
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(targets[turn.Add(1)%uint64(len(targets))])
		},
		Transport: &http.Transport{
			// Peers do not verify either; it is work of the handshake alone.
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			ForceAttemptHTTP2: true,
		},
		// Requests that the benchmark's client gives up at the end of a run.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server := &http.Server{Addr: *listen, Handler: proxy, ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}
