// affected-apiserver is the generic kube-apiserver library of Kubernetes 1.21.3, the last release of
// its line that files watches on legacy /watch/ paths as GET and LIST (kubernetes#104439). It serves
// pods and nodes that nobody can change, to anybody, so that its /metrics show what a client did.
package main

import (
	"context"
	"flag"
	"net"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	restclient "k8s.io/client-go/rest"
	"k8s.io/klog/v2"
)

// storage has one object of a kind, and watches that bring it once and stay open.
type storage struct {
	rest.TableConvertor
	namespaced bool
	object     func() runtime.Object
	list       func() runtime.Object
}

func (s *storage) New() runtime.Object     { return s.object() }
func (s *storage) NewList() runtime.Object { return s.list() }
func (s *storage) NamespaceScoped() bool   { return s.namespaced }

func (s *storage) Get(context.Context, string, *metav1.GetOptions) (runtime.Object, error) {
	return s.object(), nil
}

func (s *storage) List(context.Context, *internalversion.ListOptions) (runtime.Object, error) {
	return s.list(), nil
}

func (s *storage) Watch(context.Context, *internalversion.ListOptions) (watch.Interface, error) {
	events := watch.NewFakeWithChanSize(1, false)
	events.Add(s.object())
	return events, nil
}

func main() {
	address := flag.String("address", "127.0.0.1", "IP address to listen on")
	port := flag.Int("port", 0, "port to listen on")
	certificate := flag.String("tls-cert-file", "", "serving certificate")
	key := flag.String("tls-private-key-file", "", "its key")
	flag.Parse()

	scheme := runtime.NewScheme()
	check(v1.AddToScheme(scheme))
	codecs := serializer.NewCodecFactory(scheme)
	config := server.NewConfig(codecs)
	config.LoopbackClientConfig = &restclient.Config{}
	serving := options.NewSecureServingOptions()
	serving.BindAddress, serving.BindPort = net.ParseIP(*address), *port
	serving.ServerCert.CertKey = options.CertKey{CertFile: *certificate, KeyFile: *key}
	check(serving.ApplyTo(&config.SecureServing))
	apiserver, err := config.Complete(nil).New("affected-apiserver", server.NewEmptyDelegate())
	check(err)

	meta := metav1.ObjectMeta{Name: "one", Namespace: "default", ResourceVersion: "7"}
	pods := &storage{
		TableConvertor: rest.NewDefaultTableConvertor(v1.Resource("pods")),
		namespaced:     true,
		object:         func() runtime.Object { return &v1.Pod{ObjectMeta: meta} },
		list:           func() runtime.Object { return &v1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}} },
	}
	nodes := &storage{
		TableConvertor: rest.NewDefaultTableConvertor(v1.Resource("nodes")),
		object: func() runtime.Object {
			return &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one", ResourceVersion: "7"}}
		},
		list: func() runtime.Object { return &v1.NodeList{ListMeta: metav1.ListMeta{ResourceVersion: "7"}} },
	}
	group := server.NewDefaultAPIGroupInfo("", scheme, runtime.NewParameterCodec(scheme), codecs)
	group.VersionedResourcesStorageMap["v1"] = map[string]rest.Storage{"pods": pods, "nodes": nodes}
	check(apiserver.InstallLegacyAPIGroup(server.DefaultLegacyAPIPrefix, &group))
	check(apiserver.PrepareRun().Run(server.SetupSignalHandler()))
}

func check(err error) {
	if err != nil {
		klog.Fatal(err)
	}
}
