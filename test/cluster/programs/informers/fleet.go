package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"net"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// fleet is all clients with all their informers.
type fleet struct {
	resources []schema.GroupVersionResource
	namespace string
	clients   []*client
	requests  requestCounters
}

type client struct {
	clientset kubernetes.Interface
	factory   informers.SharedInformerFactory
	sources   map[schema.GroupVersionResource]*source
}

func newFleet(o options) (*fleet, error) {
	f := &fleet{namespace: o.namespace}
	for _, name := range o.resources {
		resource, err := parseResource(name)
		if err != nil {
			return nil, err
		}
		f.resources = append(f.resources, resource)
	}
	for range o.clients {
		client, err := f.newClient(o)
		if err != nil {
			return nil, err
		}
		f.clients = append(f.clients, client)
	}
	return f, nil
}

func parseResource(name string) (schema.GroupVersionResource, error) {
	switch parts := strings.Split(name, "/"); len(parts) {
	case 1:
		return schema.GroupVersionResource{Version: "v1", Resource: name}, nil
	case 3:
		return schema.GroupVersionResource{Group: parts[0], Version: parts[1], Resource: parts[2]}, nil
	default:
		return schema.GroupVersionResource{}, fmt.Errorf("--resources: %q is neither NAME nor GROUP/VERSION/NAME", name)
	}
}

func (f *fleet) newClient(o options) (*client, error) {
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig %q: %w", o.kubeconfig, err)
	}
	c := &client{sources: map[schema.GroupVersionResource]*source{}}
	// client-go shares one transport between equal configurations (transport/cache.go). A dialer of
	// its own makes a configuration unequal, and changes nothing else.
	config.Dial = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	config.QPS = -1 // No client-side rate limit: the server's answers are what is looked at.
	config.UserAgent = "evenkeel-informers"
	if o.protobuf {
		config.ContentType = "application/vnd.kubernetes.protobuf"
		config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	}
	config.Wrap(func(inner http.RoundTripper) http.RoundTripper {
		return &counter{inner: inner, sourceOf: c.sourceOf}
	})
	clientset, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("--kubeconfig %q: %w", o.kubeconfig, err)
	}
	c.clientset = clientset
	c.factory = informers.NewSharedInformerFactoryWithOptions(clientset, 0,
		informers.WithNamespace(o.namespace), informers.WithTransform(stripManagedFields),
		informers.WithTweakListOptions(watchFor(o.watchSeconds)))
	for _, resource := range f.resources {
		informer, err := c.factory.ForResource(resource)
		if err != nil {
			return nil, fmt.Errorf("--resources: %w", err)
		}
		s := &source{informer: informer.Informer(), lastEvent: time.Now(), sequences: map[string]int64{}}
		if err := s.watchInformer(); err != nil {
			return nil, err
		}
		c.sources[resource] = s
	}
	return c, nil
}

// watchFor does what client-go's reflector does with its five minutes (minWatchTimeout): each watch
// asks for a time of its own between that and twice as much, so that not all of them end at once.
func watchFor(seconds int) func(*metav1.ListOptions) {
	return func(options *metav1.ListOptions) {
		if seconds > 0 && options.TimeoutSeconds != nil { // A LIST asks for none.
			timeout := int64(float64(seconds) * (rand.Float64() + 1))
			options.TimeoutSeconds = &timeout
		}
	}
}

// sourceOf maps /api/v1/pods and /apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE to an informer.
func (c *client) sourceOf(path string) *source {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) < 3 {
		return nil
	}
	group, version := "", parts[1]
	if parts[0] == "apis" {
		group, version = parts[1], parts[2]
	}
	return c.sources[schema.GroupVersionResource{Group: group, Version: version, Resource: parts[len(parts)-1]}]
}

// start runs all informers and returns when each of them has its first list.
func (f *fleet) start(ctx context.Context, timeout time.Duration) error {
	for _, c := range f.clients {
		c.factory.Start(ctx.Done())
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for number, c := range f.clients {
		for resource, s := range c.sources {
			if !cache.WaitForCacheSync(limited.Done(), s.informer.HasSynced) {
				return fmt.Errorf("client %d: no list of %s within %s", number, resource.Resource, timeout)
			}
		}
	}
	return nil
}

func (f *fleet) storeSizes() map[string]int {
	sizes := map[string]int{}
	for _, c := range f.clients {
		for resource, s := range c.sources {
			sizes[resource.Resource] += len(s.informer.GetStore().ListKeys())
		}
	}
	return sizes
}

func (f *fleet) counters() map[string]any {
	var total counters
	bySource := map[string]*counters{}
	for _, c := range f.clients {
		for resource, s := range c.sources {
			now := s.snapshot()
			total.add(now)
			if bySource[resource.Resource] == nil {
				bySource[resource.Resource] = &counters{}
			}
			bySource[resource.Resource].add(now)
		}
	}
	fields := flatten(total)
	fields["latencyP50Ms"], fields["latencyP99Ms"], fields["latencyMaxMs"] = total.percentiles()
	fields["bySource"] = bySource
	fields["requests"], fields["requestErrors"] = f.requests.done.Load(), f.requests.failed.Load()
	return fields
}

// flatten goes through JSON so that the names stand in one place, the tags of counters.
func flatten(c counters) map[string]any {
	fields := map[string]any{}
	text, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(text, &fields)
	}
	if err != nil {
		panic(err) // A struct of numbers cannot fail to convert.
	}
	return fields
}

func (f *fleet) reset() {
	f.requests.done.Store(0)
	f.requests.failed.Store(0)
	for _, c := range f.clients {
		for _, s := range c.sources {
			s.reset()
		}
	}
}

// stripManagedFields halves what thirty copies of every object take.
func stripManagedFields(object any) (any, error) {
	if accessor, ok := object.(metav1.Object); ok {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
