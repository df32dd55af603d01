package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// counters are described at the top of main.go.
type counters struct {
	Lists           int   `json:"lists"`
	Relists         int   `json:"relists"`
	Watches         int   `json:"watches"`
	WatchEnds       int   `json:"watchEnds"`
	WatchErrors     int   `json:"watchErrors"`
	WatchTimeouts   int   `json:"watchTimeouts"`
	Refused         int   `json:"refused"`
	ListWatchErrors int   `json:"listWatchErrors"`
	Events          int   `json:"events"`
	Regressions     int   `json:"regressions"`
	MaxSilenceMs    int64 `json:"maxSilenceMs"`
	// Of objects with the annotations of eventSeen.
	Lost    int `json:"lost"`
	Doubled int `json:"doubled"`

	latenciesMs []float64
}

func (c *counters) add(other counters) {
	c.Lists += other.Lists
	c.Relists += other.Relists
	c.Watches += other.Watches
	c.WatchEnds += other.WatchEnds
	c.WatchErrors += other.WatchErrors
	c.WatchTimeouts += other.WatchTimeouts
	c.Refused += other.Refused
	c.ListWatchErrors += other.ListWatchErrors
	c.Events += other.Events
	c.Regressions += other.Regressions
	c.MaxSilenceMs = max(c.MaxSilenceMs, other.MaxSilenceMs)
	c.Lost += other.Lost
	c.Doubled += other.Doubled
	c.latenciesMs = append(c.latenciesMs, other.latenciesMs...)
}

// percentiles of the time from a write to its notification; zeros when there was none.
func (c *counters) percentiles() (p50, p99, highest float64) {
	count := len(c.latenciesMs)
	if count == 0 {
		return 0, 0, 0
	}
	slices.Sort(c.latenciesMs)
	return c.latenciesMs[count/2], c.latenciesMs[min(count-1, count*99/100)], c.latenciesMs[count-1]
}

// What a writer may put on an object to have its events counted and timed: a number that grows by
// one with each write of the object, and the time of the write in Unix milliseconds.
const (
	sequenceAnnotation = "evenkeel.example/sequence"
	sentAnnotation     = "evenkeel.example/sent-ms"
)

// source is one informer of one client, and what happened to it.
type source struct {
	informer cache.SharedIndexInformer

	mu        sync.Mutex
	now       counters
	listed    bool
	lastEvent time.Time
	// The last number of each object that the writer has numbered; see eventSeen.
	sequences map[string]int64
}

func (s *source) update(change func(*counters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}

func (s *source) snapshot() counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.latenciesMs = slices.Clone(s.now.latenciesMs)
	now.MaxSilenceMs = max(now.MaxSilenceMs, time.Since(s.lastEvent).Milliseconds())
	return now
}

func (s *source) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = counters{}
	s.lastEvent = time.Now()
}

// listSent counts an initial list, by LIST or by a watch that sends the initial events.
func (s *source) listSent() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Lists++
	if s.listed {
		s.now.Relists++
	}
	s.listed = true
}

func (s *source) eventSeen(older, newer any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Events++
	s.now.MaxSilenceMs = max(s.now.MaxSilenceMs, time.Since(s.lastEvent).Milliseconds())
	s.lastEvent = time.Now()
	if older != nil && resourceVersion(newer) < resourceVersion(older) {
		s.now.Regressions++
	}
	if accessor, ok := newer.(metav1.Object); ok {
		s.numberSeen(accessor)
	}
}

// numberSeen reads what the writer has written on an object: when it was written, and how often.
// Only the writer's own clock is needed, which is this machine's.
func (s *source) numberSeen(object metav1.Object) {
	annotations := object.GetAnnotations()
	sequence, err := strconv.ParseInt(annotations[sequenceAnnotation], 10, 64)
	if err != nil {
		return
	}
	if sentMs, err := strconv.ParseInt(annotations[sentAnnotation], 10, 64); err == nil {
		latency := time.Since(time.UnixMilli(sentMs))
		s.now.latenciesMs = append(s.now.latenciesMs, float64(latency.Microseconds())/1000)
	}
	key := keyOf(object)
	if last, known := s.sequences[key]; known {
		switch {
		case sequence > last+1:
			s.now.Lost += int(sequence - last - 1)
		case sequence <= last:
			s.now.Doubled++
		}
	}
	s.sequences[key] = sequence
}

// resourceVersion may be compared as a number from 1.35 on by contract, and always could in etcd.
func resourceVersion(object any) uint64 {
	if accessor, ok := object.(metav1.Object); ok {
		version, _ := strconv.ParseUint(accessor.GetResourceVersion(), 10, 64)
		return version
	}
	return 0
}

// watchInformer connects the informer's notifications and errors to the counters.
func (s *source) watchInformer() error {
	_, err := s.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.eventSeen(nil, object) },
		UpdateFunc: func(older, newer any) { s.eventSeen(older, newer) },
		DeleteFunc: func(object any) { s.eventSeen(nil, object) },
	})
	if err != nil {
		return err
	}
	return s.informer.SetWatchErrorHandlerWithContext(
		func(ctx context.Context, reflector *cache.Reflector, err error) {
			s.update(func(c *counters) { c.ListWatchErrors++ })
			cache.DefaultWatchErrorHandler(ctx, reflector, err)
		})
}

// counter is the transport of one client. It tells lists from watches by their query.
type counter struct {
	inner http.RoundTripper
	// sourceOf finds the informer that a path belongs to, or nil.
	sourceOf func(path string) *source
}

func (c *counter) RoundTrip(request *http.Request) (*http.Response, error) {
	source := c.sourceOf(request.URL.Path)
	if source == nil {
		return c.inner.RoundTrip(request)
	}
	query := request.URL.Query()
	watch, _ := strconv.ParseBool(query.Get("watch"))
	if watch {
		source.update(func(c *counters) { c.Watches++ })
	}
	if (!watch && query.Get("continue") == "") || query.Get("sendInitialEvents") == "true" {
		source.listSent()
	}
	response, err := c.inner.RoundTrip(request)
	if err != nil || response.StatusCode >= http.StatusBadRequest {
		source.update(func(c *counters) { c.Refused++ })
		return response, err
	}
	if watch {
		response.Body = &watchBody{
			ReadCloser: response.Body, source: source, ctx: request.Context(), timesOut: timeOf(query),
		}
	}
	return response, nil
}

// watchBody counts how a watch ended. An end that the client wanted is neither good nor bad.
type watchBody struct {
	io.ReadCloser
	source *source
	ctx    context.Context
	// When the time is over that the client itself has asked for.
	timesOut time.Time
	once     sync.Once
}

// Apiservers end a watch a little before its time.
const timeoutSlack = 3 * time.Second

func timeOf(query url.Values) time.Time {
	seconds, err := strconv.Atoi(query.Get("timeoutSeconds"))
	if err != nil {
		return time.Now().Add(24 * time.Hour)
	}
	return time.Now().Add(time.Duration(seconds)*time.Second - timeoutSlack)
}

func (b *watchBody) Read(buffer []byte) (int, error) {
	n, err := b.ReadCloser.Read(buffer)
	if err != nil && b.ctx.Err() == nil {
		b.once.Do(func() {
			b.source.update(func(c *counters) {
				switch {
				case !errors.Is(err, io.EOF):
					c.WatchErrors++
				case time.Now().After(b.timesOut):
					c.WatchTimeouts++
				default:
					c.WatchEnds++
				}
			})
		})
	}
	return n, err
}

func (b *watchBody) Close() error {
	// What is read after closing says nothing about the server.
	b.once.Do(func() {})
	return b.ReadCloser.Close()
}
