// Command fake-kubelet stands in for a node: kube-apiserver reaches it as it reaches a kubelet, and
// the streaming protocols are served by the kubelet's own code (k8s.io/kubelet/pkg/cri/streaming).
// There are no containers: exec runs a process on this machine, attach echoes, port-forward dials
// loopback, logs are made up.
//
// It registers a Node and Running pods, then writes one line to standard output:
//
//	{"node":"fake-node","namespace":"default","pods":["fake-node-pod-0"],"port":41234}
//
// and serves until SIGTERM or SIGINT. GET /debug/connections needs no client certificate; see
// counters in sessions.go.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// shutdownLimit is how long the end waits for commands that were killed to be gone.
const shutdownLimit = 5 * time.Second

type options struct {
	listen, cert, key, clientCA   string
	kubeconfig, nodeName, workDir string
	namespace                     string
	pods, logLines                int
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "address to serve on; the Node reports its IP")
	flag.StringVar(&o.cert, "cert", "", "serving certificate, PEM file")
	flag.StringVar(&o.key, "key", "", "key of the serving certificate, PEM file")
	flag.StringVar(&o.clientCA, "client-ca", "", "authority of kube-apiserver's client certificate, PEM file")
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig that may write nodes and pods")
	flag.StringVar(&o.nodeName, "node-name", "fake-node", "name of the Node")
	flag.StringVar(&o.namespace, "namespace", "default", "namespace of the pods")
	flag.StringVar(&o.workDir, "directory", ".", "working directory of executed commands")
	flag.IntVar(&o.pods, "pods", 1, "number of pods to create")
	flag.IntVar(&o.logLines, "log-lines", 10, "log lines that each container has written before it is followed")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "fake-kubelet: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	tlsConfig, err := serverTLS(o)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("--kubeconfig %q: %w", o.kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("--kubeconfig %q: %w", o.kubeconfig, err)
	}
	tcp, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("--listen %q: %w", o.listen, err)
	}
	sessions := newSessions()
	server := &http.Server{
		Handler:     newHandler(o, sessions),
		TLSConfig:   tlsConfig,
		ConnContext: sessions.withConnection,
		// The limits of the kubelet's own server, pkg/kubelet/server/server.go ListenAndServeKubeletServer.
		IdleTimeout:       90 * time.Second,
		ReadHeaderTimeout: 32 * time.Second,
		ReadTimeout:       4 * time.Hour,
		WriteTimeout:      4 * time.Hour,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(sessions.listener(tcp), "", "") }()
	defer server.Close()
	// Close leaves hijacked connections alone. Losing them ends the commands too.
	defer sessions.closeAll(shutdownLimit)

	node := registration{client: client, options: o, address: tcp.Addr().(*net.TCPAddr)}
	pods, err := node.register(ctx)
	if err != nil {
		return err
	}
	go node.heartbeat(ctx)
	ready := map[string]any{
		"port": node.address.Port, "node": o.nodeName, "namespace": o.namespace, "pods": pods,
	}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return fmt.Errorf("serving stopped: %w", err)
	}
}

// serverTLS asks for a client certificate but does not require one: handlers do, except /debug.
func serverTLS(o options) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("--cert %q, --key %q: %w", o.cert, o.key, err)
	}
	pem, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, fmt.Errorf("--client-ca: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, errors.New("--client-ca: no certificate in " + o.clientCA)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    authorities,
		MinVersion:   tls.VersionTLS12,
	}, nil
}
