package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	remotecommandconsts "k8s.io/apimachinery/pkg/util/remotecommand"
	"k8s.io/kubelet/pkg/cri/streaming/portforward"
	"k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

const (
	streamIdleTimeout     = 4 * time.Hour // The kubelet's default, streamingConnectionIdleTimeout.
	streamCreationTimeout = remotecommandconsts.DefaultStreamCreationTimeout
	logInterval           = 200 * time.Millisecond
)

// newHandler serves the paths of the kubelet's API that kube-apiserver uses for subresources of
// pods, pkg/registry/core/pod/strategy.go. A real kubelet asks the container runtime for a URL and
// proxies to it; here the runtime's server code is called in place.
func newHandler(o options, sessions *sessions) http.Handler {
	streams := &runtime{workDir: o.workDir, sessions: sessions}
	kubelet := http.NewServeMux()
	pod := func(kind string, serve http.HandlerFunc) http.HandlerFunc {
		return sessions.count(kind, func(w http.ResponseWriter, r *http.Request) {
			if !hasPod(o, r.PathValue("namespace"), r.PathValue("pod")) {
				http.Error(w, "pod does not exist", http.StatusNotFound)
				return
			}
			serve(w, r)
		})
	}
	kubelet.HandleFunc("/exec/{namespace}/{pod}/{container}", pod("exec", func(w http.ResponseWriter, r *http.Request) {
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, r, streams, r.PathValue("pod"), types.UID(""), r.PathValue("container"),
			r.Form["command"], options, streamIdleTimeout, streamCreationTimeout,
			remotecommandconsts.SupportedStreamingProtocols)
	}))
	kubelet.HandleFunc("/attach/{namespace}/{pod}/{container}", pod("attach", func(w http.ResponseWriter, r *http.Request) {
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeAttach(w, r, streams, r.PathValue("pod"), types.UID(""), r.PathValue("container"),
			options, streamIdleTimeout, streamCreationTimeout, remotecommandconsts.SupportedStreamingProtocols)
	}))
	kubelet.HandleFunc("/portForward/{namespace}/{pod}", pod("portForward", func(w http.ResponseWriter, r *http.Request) {
		options, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		portforward.ServePortForward(w, r, streams, r.PathValue("pod"), types.UID(""), options,
			streamIdleTimeout, streamCreationTimeout, portforward.SupportedProtocols)
	}))
	kubelet.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", pod("logs", func(w http.ResponseWriter, r *http.Request) {
		serveLogs(w, r, o.logLines)
	}))
	kubelet.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })

	all := http.NewServeMux()
	all.HandleFunc("GET /debug/connections", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(sessions.snapshot())
	})
	all.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		kubelet.ServeHTTP(w, r)
	})
	return all
}

func hasPod(o options, namespace, name string) bool {
	number, err := strconv.Atoi(strings.TrimPrefix(name, o.nodeName+"-pod-"))
	return err == nil && namespace == o.namespace && number >= 0 && number < o.pods && name == podName(o, number)
}

// serveLogs writes numbered lines: those that exist, or the last tailLines of them, and with
// follow=true one more every 200 ms until the client goes.
func serveLogs(w http.ResponseWriter, r *http.Request, existing int) {
	first := 0
	if tail, err := strconv.Atoi(r.FormValue("tailLines")); err == nil && tail >= 0 && tail < existing {
		first = existing - tail
	}
	w.Header().Set("Content-Type", "text/plain")
	flush := http.NewResponseController(w)
	write := func(line int) error {
		_, err := fmt.Fprintf(w, "%s/%s line %d\n", r.PathValue("pod"), r.PathValue("container"), line)
		return err
	}
	for line := first; line < existing; line++ {
		if write(line) != nil {
			return
		}
	}
	if r.FormValue("follow") != "true" {
		return
	}
	tick := time.NewTicker(logInterval)
	defer tick.Stop()
	for line := existing; ; line++ {
		if flush.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		if write(line) != nil {
			return
		}
	}
}
