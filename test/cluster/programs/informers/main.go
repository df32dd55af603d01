// Command informers runs many independent client-go clients with informers, and reports what their
// watches went through. Each client has a transport, and so a connection, of its own, as if it were
// a process of its own.
//
// Standard output is one JSON object a line. Counters are sums over all clients and count from the
// start or from the last `reset`; `bySource` has the same counters for each resource.
//
//	{"event":"synced","clients":30,"informers":150,"objects":{"configmaps":60000,...},"tookMs":912}
//	{"event":"stats",...counters}                         every --interval, and on the line `stats`
//	{"event":"check","equal":true,"differences":[],"tookMs":40,"objects":{"configmaps":2000,...},...counters}
//	{"event":"reset"}
//	{"event":"error","message":"..."}                     a command that is not known, or a failed LIST
//
// counters:
//
//	lists          LISTs sent (pages of one list count once), and watches that ask for the initial list
//	relists        those of them that came after an informer's first
//	watches        watches opened, whatever the answer
//	watchEnds      watches that ended in order, but early: END_STREAM, or the last chunk
//	watchTimeouts  watches that ended at the time that their client had asked for
//	watchErrors    watches that broke off: reset stream, lost connection
//	refused        answers >= 400, and requests without an answer, to lists and watches
//	listWatchErrors  calls of client-go's WatchErrorHandler: each one means that client-go backs off
//	events         add, update and delete notifications
//	regressions    updates to an older resourceVersion than the store had: must stay 0
//	maxSilenceMs   longest time in which an informer got no event, the running one included
//	lost           numbers that an informer has missed, of objects that the writer has numbered
//	doubled        numbers that came again or late; both see the annotations in source.go
//
// and over all of them latencyP50Ms, latencyP99Ms and latencyMaxMs, from a write of such an object
// to its notification, and
//
//	requests       GETs of --request-interval that were answered
//	requestErrors  those of them that failed, after all that client-go itself does about it
//
// Commands on standard input, one a line: `stats`, `reset`, `quit`, and `check`, which compares every
// store with a LIST through --direct-kubeconfig (uid and resourceVersion of each object) and gives
// them 20 s to become equal. End of input means `quit`.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

type options struct {
	kubeconfig, directKubeconfig, namespace string
	resources                               []string
	clients                                 int
	protobuf                                bool
	interval, checkTimeout, syncTimeout     time.Duration
	watchSeconds                            int
	requestInterval                         time.Duration
}

func main() {
	var o options
	var resources string
	flag.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig of the clients")
	flag.StringVar(&o.directKubeconfig, "direct-kubeconfig", "", "kubeconfig that check lists with")
	flag.StringVar(&o.namespace, "namespace", "", "namespace to watch; all when empty")
	flag.StringVar(&resources, "resources", "configmaps,secrets,pods,nodes,services",
		"plural names; of other groups as group/version/resource")
	flag.IntVar(&o.clients, "clients", 30, "number of clients")
	flag.BoolVar(&o.protobuf, "protobuf", false, "ask for protobuf instead of JSON")
	flag.DurationVar(&o.interval, "interval", 5*time.Second, "time between stats lines; 0 for none")
	flag.DurationVar(&o.checkTimeout, "check-timeout", 20*time.Second, "how long check waits for equality")
	flag.DurationVar(&o.syncTimeout, "sync-timeout", time.Minute, "how long the first lists may take")
	flag.IntVar(&o.watchSeconds, "watch-seconds", 0,
		"watches ask for this time to twice as much; client-go's own 300 when 0")
	flag.DurationVar(&o.requestInterval, "request-interval", 0,
		"time between GETs of each client beside its watches; none when 0")
	klog.InitFlags(nil)
	flag.Parse()
	o.resources = strings.Split(resources, ",")

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintf(os.Stderr, "informers: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	fleet, err := newFleet(o)
	if err != nil {
		return err
	}
	output := newOutput(os.Stdout)
	if err := fleet.start(ctx, o.syncTimeout); err != nil {
		return err
	}
	fleet.startRequests(ctx, o.requestInterval)
	output.write("synced", map[string]any{
		"clients": o.clients, "informers": o.clients * len(o.resources),
		"objects": fleet.storeSizes(), "tookMs": time.Since(started).Milliseconds(),
	})
	commands := make(chan string)
	go readCommands(ctx, commands)
	var tick <-chan time.Time // Never ready when there is no interval.
	if o.interval > 0 {
		ticker := time.NewTicker(o.interval)
		defer ticker.Stop()
		tick = ticker.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
			output.write("stats", fleet.counters())
		case command, open := <-commands:
			if !open || command == "quit" {
				return nil
			}
			execute(ctx, command, fleet, output, o)
		}
	}
}

func readCommands(ctx context.Context, commands chan<- string) {
	defer close(commands)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		select {
		case commands <- strings.TrimSpace(lines.Text()):
		case <-ctx.Done():
			return
		}
	}
}

func execute(ctx context.Context, command string, fleet *fleet, output *output, o options) {
	switch command {
	case "stats":
		output.write("stats", fleet.counters())
	case "reset":
		fleet.reset()
		output.write("reset", nil)
	case "check":
		config, err := clientcmd.BuildConfigFromFlags("", o.directKubeconfig)
		if err != nil {
			output.write("error", map[string]any{"message": fmt.Sprintf("--direct-kubeconfig: %v", err)})
			return
		}
		direct, err := metadata.NewForConfig(config)
		if err != nil {
			output.write("error", map[string]any{"message": err.Error()})
			return
		}
		result, err := fleet.check(ctx, direct, o.checkTimeout)
		if err != nil {
			output.write("error", map[string]any{"message": err.Error()})
			return
		}
		output.write("check", result)
	default:
		message := fmt.Sprintf("no command %q; there are: stats, reset, check, quit", command)
		output.write("error", map[string]any{"message": message})
	}
}
