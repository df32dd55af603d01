// The one table of what `npm run tools` builds. Versions stand here and in each module's go.mod;
// test/tools/components.test.ts holds the two together.

/** One program that is built from a Go module of this repository into `.tools/bin`. */
export interface Component {
  /** Its file name in `.tools/bin`. */
  readonly name: string;
  /** Folder of the go.mod that pins it, from the repository's root. */
  readonly module: string;
  /** What `go build` is given: an import path, or a folder of the module. */
  readonly package: string;
  /** The Go module whose version counts, as go.mod requires it. */
  readonly pinnedBy: string;
  readonly version: string;
  /** Values that the linker sets, `package.variable` to text. */
  readonly variables: Readonly<Record<string, string>>;
}

const KUBERNETES_VERSION = 'v1.34.4';
const KUBERNETES_LIBRARY_VERSION = 'v0.34.4';
const ETCD_VERSION = 'v3.6.14';
// Those with the bugs that etcd-tools must find, and those that a rolling upgrade goes through.
const OTHER_ETCD_VERSIONS = ['3.5.2', '3.5.5', '3.5.33', '3.7.3'];
// The newest that the module proxy serves: later ones have a go.mod whose path does not end in
// /v2, as Go wants it of such tags.
const H2SPEC_VERSION = 'v2.2.1';
// The newest of 1.x: the proxy does not serve the module path of 2.x.
const K6_VERSION = 'v1.8.1';

/**
 * Without these, a build outside Kubernetes' own scripts calls itself v0.0.0-master: the first
 * package is behind /version, the second behind the User-Agent (hack/lib/version.sh sets both).
 */
const KUBERNETES_VARIABLES = Object.fromEntries(
  ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => [
    [`${path}.gitVersion`, KUBERNETES_VERSION],
    [`${path}.gitMajor`, '1'],
    [`${path}.gitMinor`, '34'],
    // A module from the proxy does not say which commit it was.
    [`${path}.gitCommit`, 'unknown'],
    [`${path}.gitTreeState`, 'archive'],
  ]),
);

function kubernetes(name: string): Component {
  return {
    name,
    module: 'tools/kubernetes',
    package: `k8s.io/kubernetes/cmd/${name}`,
    pinnedBy: 'k8s.io/kubernetes',
    version: KUBERNETES_VERSION,
    variables: KUBERNETES_VARIABLES,
  };
}

/** The version whose etcd, etcdctl and etcdutl have no version in their names. */
function etcd(name: string, path: string): Component {
  return {
    name,
    module: 'tools/etcd',
    package: `go.etcd.io/etcd/${path}/v3`,
    pinnedBy: `go.etcd.io/etcd/${path}/v3`,
    version: ETCD_VERSION,
    variables: {},
  };
}

/** Another version of the server is another module, since one go.mod holds one version. */
function otherEtcd(version: string): Component {
  const name = `etcd-${version}`;
  return { ...etcd(name, 'server'), module: `tools/${name}`, version: `v${version}` };
}

/** Our own programs, mostly on client-go: the only ones that are not built from published source. */
function program(name: string): Component {
  return {
    name,
    module: 'test/cluster/programs',
    package: `./${name}`,
    pinnedBy: 'k8s.io/client-go',
    version: KUBERNETES_LIBRARY_VERSION,
    variables: {},
  };
}

/**
 * The generic apiserver of the last 1.21 that files legacy watches as lists: what the door says of
 * such a replica is held against a real one.
 */
const AFFECTED_APISERVER: Component = {
  name: 'affected-apiserver',
  module: 'test/cluster/programs-1.21',
  package: './affected-apiserver',
  pinnedBy: 'k8s.io/apiserver',
  version: 'v0.21.3',
  variables: {},
};

/** In the order of building: quick ones first, so that a wrong set-up shows within a minute. */
export const COMPONENTS: readonly Component[] = [
  {
    name: 'h2spec',
    module: 'tools/h2spec',
    package: 'github.com/summerwind/h2spec/cmd/h2spec',
    pinnedBy: 'github.com/summerwind/h2spec',
    version: H2SPEC_VERSION,
    variables: { 'main.VERSION': H2SPEC_VERSION.slice(1) },
  },
  etcd('etcd', 'server'),
  etcd('etcdctl', 'etcdctl'),
  etcd('etcdutl', 'etcdutl'),
  ...OTHER_ETCD_VERSIONS.map(otherEtcd),
  kubernetes('kube-apiserver'),
  kubernetes('kube-controller-manager'),
  kubernetes('kubectl'),
  program('fake-kubelet'),
  program('http2-peer'),
  program('informers'),
  AFFECTED_APISERVER,
  {
    name: 'k6',
    module: 'tools/k6',
    package: 'go.k6.io/k6',
    pinnedBy: 'go.k6.io/k6',
    version: K6_VERSION,
    variables: {},
  },
];

/** The arguments of `go` that build `component` into the file `output`. */
export function buildArguments(component: Component, output: string): string[] {
  const variables = Object.entries(component.variables).map(([name, text]) => `-X ${name}=${text}`);
  return [
    'build',
    // The names of compiled packages go to standard error: the only sign of progress that go gives.
    '-v',
    // A build must never change go.mod or go.sum: these are what is reviewed.
    '-mod=readonly',
    // The binary must not depend on where the checkout lies, nor on the state of its git folder.
    '-trimpath',
    '-buildvcs=false',
    '-ldflags',
    ['-s', '-w', ...variables].join(' '),
    '-o',
    output,
    component.package,
  ];
}
