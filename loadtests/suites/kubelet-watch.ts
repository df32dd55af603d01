// What a kubelet watches, by the swarm beside this script (loadtests/run/swarm-plans.ts): its own pods
// by field selector (kubernetes pkg/kubelet/config/apiserver.go, NewSourceApiserver), its own node and
// all services (pkg/kubelet/kubelet.go, NewMainKubelet), CSI drivers, runtime classes, and one watch for
// each ConfigMap and Secret that its pods name (pkg/kubelet/util/manager/watch_based_manager.go).
// Nine watches per node: 900 of 100 nodes. k6 sends what the same kubelets write, which is the
// suite kubelet-heartbeat: a lease every 10 s. Plain core objects. Nothing in it is random.
import { flowOptions } from '../lib/flow.ts';
import * as kubelet from './kubelet-heartbeat.ts';

// k6 calls what this file exports, and knows nothing of the files that it comes from.
export const { renew, setup, teardown } = kubelet;
export const options = flowOptions([kubelet.flow]);
