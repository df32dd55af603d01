package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

const (
	maxDifferences = 20
	retryInterval  = 250 * time.Millisecond
)

// check compares every store with direct LISTs until all are equal, or the time is up. The LIST is
// taken anew each time, so that it may run while objects change now and then.
func (f *fleet) check(ctx context.Context, direct metadata.Interface, timeout time.Duration) (map[string]any, error) {
	started := time.Now()
	for {
		objects := map[string]int{}
		differences := []string{}
		for _, resource := range f.resources {
			truth, err := f.listVersions(ctx, direct, resource)
			if err != nil {
				return nil, fmt.Errorf("direct LIST of %s: %w", resource.Resource, err)
			}
			objects[resource.Resource] = len(truth)
			for number, c := range f.clients {
				have := storeVersions(c.sources[resource].informer.GetStore())
				differences = append(differences, compare(number, resource.Resource, truth, have)...)
			}
		}
		if len(differences) == 0 || time.Since(started) >= timeout || ctx.Err() != nil {
			result := f.counters()
			result["equal"] = len(differences) == 0
			result["differenceCount"] = len(differences)
			result["differences"] = differences[:min(len(differences), maxDifferences)]
			result["objects"] = objects
			result["tookMs"] = time.Since(started).Milliseconds()
			return result, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryInterval):
		}
	}
}

// listVersions asks for metadata only: uid and resourceVersion say whether two objects are the same.
// No resourceVersion is given, which makes the apiserver read at the newest revision.
func (f *fleet) listVersions(ctx context.Context, direct metadata.Interface, resource schema.GroupVersionResource) (map[string]string, error) {
	list, err := direct.Resource(resource).Namespace(f.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	versions := make(map[string]string, len(list.Items))
	for i := range list.Items {
		versions[keyOf(&list.Items[i])] = versionOf(&list.Items[i])
	}
	return versions, nil
}

func storeVersions(store cache.Store) map[string]string {
	versions := map[string]string{}
	for _, object := range store.List() {
		if accessor, ok := object.(metav1.Object); ok {
			versions[keyOf(accessor)] = versionOf(accessor)
		}
	}
	return versions
}

func keyOf(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }

func versionOf(object metav1.Object) string {
	return string(object.GetUID()) + "@" + object.GetResourceVersion()
}

func compare(number int, resource string, truth, have map[string]string) []string {
	if maps.Equal(truth, have) {
		return nil
	}
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(truth)) {
		if version, found := have[key]; !found {
			differences = append(differences, fmt.Sprintf("client %d: %s %s is missing", number, resource, key))
		} else if version != truth[key] {
			differences = append(differences,
				fmt.Sprintf("client %d: %s %s is %s, should be %s", number, resource, key, version, truth[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(have)) {
		if _, found := truth[key]; !found {
			differences = append(differences, fmt.Sprintf("client %d: %s %s should be gone", number, resource, key))
		}
	}
	return differences
}
