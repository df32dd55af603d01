package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	containerName = "main"
	// The kubelet's nodeStatusReportFrequency is 5 minutes with leases; we keep no lease, so we must be
	// quicker than the node lifecycle controller's 50 s of grace.
	heartbeatInterval = 10 * time.Second
	// A namespace and a service account may be made only just after /readyz turned good.
	registerTimeout = 20 * time.Second
)

// registration makes this process known to the API as a node with running pods.
type registration struct {
	client  kubernetes.Interface
	options options
	address *net.TCPAddr
}

func podName(o options, number int) string { return fmt.Sprintf("%s-pod-%d", o.nodeName, number) }

func (r *registration) register(ctx context.Context) ([]string, error) {
	if err := r.registerNode(ctx); err != nil {
		return nil, fmt.Errorf("registering node %q: %w", r.options.nodeName, err)
	}
	if err := r.ensureServiceAccount(ctx); err != nil {
		return nil, fmt.Errorf("service account %s/default: %w", r.options.namespace, err)
	}
	names := make([]string, 0, r.options.pods)
	for number := range r.options.pods {
		name := podName(r.options, number)
		if err := r.runPod(ctx, name); err != nil {
			return nil, fmt.Errorf("pod %s/%s: %w", r.options.namespace, name, err)
		}
		names = append(names, name)
	}
	return names, nil
}

// registerNode creates the Node, or takes over one that an earlier process of this name left.
func (r *registration) registerNode(ctx context.Context) error {
	nodes := r.client.CoreV1().Nodes()
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name:   r.options.nodeName,
			Labels: map[string]string{corev1.LabelHostname: r.options.nodeName, corev1.LabelOSStable: "linux"},
		},
		Status: r.nodeStatus(),
	}
	_, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return r.updateNodeStatus(ctx)
}

func (r *registration) updateNodeStatus(ctx context.Context) error {
	nodes := r.client.CoreV1().Nodes()
	node, err := nodes.Get(ctx, r.options.nodeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	node.Status = r.nodeStatus()
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// nodeStatus holds what kube-apiserver needs to reach us: an InternalIP and the kubelet's port.
func (r *registration) nodeStatus() corev1.NodeStatus {
	now := metav1.Now()
	return corev1.NodeStatus{
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: r.address.IP.String()}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{
			KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(r.address.Port)},
		},
		Conditions: []corev1.NodeCondition{{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
			LastHeartbeatTime: now, LastTransitionTime: now,
		}},
	}
}

// heartbeat keeps the Node Ready where a controller manager runs. A missed beat is only reported:
// tests kill the replica that the beats go to.
func (r *registration) heartbeat(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := r.updateNodeStatus(ctx); err != nil && ctx.Err() == nil {
			fmt.Fprintf(os.Stderr, "fake-kubelet: heartbeat: %v\n", err)
		}
	}, heartbeatInterval)
}

// ensureServiceAccount does the service account controller's work where no controller manager runs:
// admission refuses pods in a namespace without a default account.
func (r *registration) ensureServiceAccount(ctx context.Context) error {
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	accounts := r.client.CoreV1().ServiceAccounts(r.options.namespace)
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, registerTimeout, true,
		func(ctx context.Context) (bool, error) {
			_, err := accounts.Create(ctx, account, metav1.CreateOptions{})
			if apierrors.IsNotFound(err) {
				return false, nil // The namespace is still to come.
			}
			return err == nil || apierrors.IsAlreadyExists(err), ignoreExisting(err)
		})
}

// runPod takes the steps of the scheduler and the kubelet: bind, then report Running.
func (r *registration) runPod(ctx context.Context, name string) error {
	pods := r.client.CoreV1().Pods(r.options.namespace)
	noToken := false
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": r.options.nodeName}},
		Spec: corev1.PodSpec{
			Containers:                   []corev1.Container{{Name: containerName, Image: "none"}},
			AutomountServiceAccountToken: &noToken,
			Tolerations:                  []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	}
	_, err := pods.Create(ctx, pod, metav1.CreateOptions{})
	if ignoreExisting(err) != nil {
		return err
	}
	if err == nil {
		binding := &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Target:     corev1.ObjectReference{Kind: "Node", Name: r.options.nodeName},
		}
		if err := pods.Bind(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	bound, err := pods.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	bound.Status = podStatus(r.address.IP.String())
	_, err = pods.UpdateStatus(ctx, bound, metav1.UpdateOptions{})
	return err
}

func podStatus(address string) corev1.PodStatus {
	now := metav1.Now()
	started := true
	condition := func(kind corev1.PodConditionType) corev1.PodCondition {
		return corev1.PodCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now}
	}
	return corev1.PodStatus{
		Phase: corev1.PodRunning, HostIP: address, PodIP: address, StartTime: &now,
		PodIPs: []corev1.PodIP{{IP: address}}, HostIPs: []corev1.HostIP{{IP: address}},
		Conditions: []corev1.PodCondition{
			condition(corev1.PodScheduled), condition(corev1.PodInitialized),
			condition(corev1.ContainersReady), condition(corev1.PodReady),
		},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: containerName, Image: "none", ImageID: "none", ContainerID: "fake://" + containerName,
			Ready: true, Started: &started,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}},
	}
}

func ignoreExisting(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
