package main

import (
	"context"
	"math/rand"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
)

// requestCounters are described at the top of main.go.
type requestCounters struct {
	done, failed atomic.Int64
}

// After this a request counts as failed. client-go itself would wait for ever.
const requestTimeout = 30 * time.Second

// startRequests lets each client send small requests on the connection that its watches are on, as
// real clients renew leases and write status. A GOAWAY comes with the answer to a request.
func (f *fleet) startRequests(ctx context.Context, interval time.Duration) {
	if interval <= 0 {
		return
	}
	for _, c := range f.clients {
		go f.sendRequests(ctx, c, interval)
	}
}

func (f *fleet) sendRequests(ctx context.Context, c *client, interval time.Duration) {
	// Not all at the same time.
	wait := time.Duration(rand.Float64() * float64(interval))
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = interval
		f.sendRequest(ctx, c)
	}
}

func (f *fleet) sendRequest(ctx context.Context, c *client) {
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// From the apiserver's own cache: how fast etcd is does not matter here.
	_, err := c.clientset.CoreV1().Namespaces().Get(limited, "default", metav1.GetOptions{ResourceVersion: "0"})
	if err == nil {
		f.requests.done.Add(1)
	} else if ctx.Err() == nil { // Those that the end of the program breaks off count for nothing.
		f.requests.failed.Add(1)
		klog.ErrorS(err, "Request failed")
	}
}
