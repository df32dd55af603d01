// Who may import whom: the arrows of docs/architecture.md. Change a table here only together with it.
import { posix } from 'node:path';
import type { Tree } from './tree.ts';

/** Which other top-level folders each one may import. `test` may import all, and nobody `test`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  common: [],
  proxy: ['common'],
  'etcd-tools': ['common'],
  // `up` starts the control plane that tools builds.
  loadtests: ['common', 'tools'],
  patches: ['common', 'tools'],
  tools: ['common'],
  // Not the proxy: what the proxy is tested against must not share its mistakes.
  simulator: ['common', 'tools'],
  // Not the proxy either: it is started as its users start it.
  prove: ['common', 'tools', 'simulator'],
  bench: ['common', 'tools', 'proxy'],
};

// They write docs/configuration.md and docs/metrics.md out of the proxy's own tables.
const DOCUMENT_GENERATOR = /^tools\/docs-[a-z]+\.ts$/;

/** What the parts of the proxy stand on; each may also import all that stands further down. */
const PROXY_LAYERS: readonly (readonly string[])[] = [
  ['main.ts'],
  ['workers'],
  ['server.ts'],
  ['door.ts'],
  ['create-balancer.ts'],
  ['handler.ts', 'upgrade-handler.ts', 'listener.ts'],
  [
    'handler-parts.ts',
    'open-exchanges.ts',
    'watch',
    'guard',
    'observe',
    'upstream',
    'identity',
    'http1',
  ],
  ['errors.ts'],
  ['kube'],
  ['http2'],
];
// Parts are handed what they need: only those who build them know how it is configured.
const CONFIG = /^config(-[a-z-]+)?\.ts$/;
const KNOWS_CONFIG: readonly string[] = [
  'main.ts',
  'workers',
  'server.ts',
  'door.ts',
  'create-balancer.ts',
];

/**
 * The one file outside of tests that may import each library, so that replacing one is one edit. The
 * simulator has its own where it needs any, since it shares no code with the proxy.
 */
const ONLY_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  // The second is a peer that the proxy is measured against, and no part of it.
  undici: ['proxy/http1/spdy.ts', 'bench/peers/plain-node.ts'],
  'http-proxy': ['proxy/http1/websocket.ts'],
  'prom-client': ['proxy/observe/metrics.ts'],
  pino: ['common/log.ts'],
  etcd3: ['etcd-tools/member.ts'],
  '@grpc/grpc-js': ['etcd-tools/member.ts'],
  '@grpc/proto-loader': ['etcd-tools/member.ts'],
  zod: ['proxy/config-schema.ts'],
  yaml: ['proxy/config.ts', 'simulator/body.ts', 'loadtests/kubeconfig.ts'],
  'hdr-histogram-js': ['loadtests/histogram.ts'],
  '@peculiar/x509': ['tools/pki.ts', 'simulator/authentication.ts'],
};
// An import of types alone loads nothing, and still ties us to the library's shapes.
const IMPORT =
  /(?:\bfrom\s|^import\s|\bimport\(|\brequire\(|createRequire\([^)]*\)\()\s*['"]([^'"\n]+)['"]/gm;

interface Import {
  readonly file: string;
  readonly target: string;
}

function importsOf(tree: Tree): Import[] {
  return [...tree]
    .filter(([file]) => file.endsWith('.ts'))
    .flatMap(([file, text]) =>
      [...text.matchAll(IMPORT)].map(([, name = '']) => ({
        file,
        target: name.startsWith('.') ? posix.join(posix.dirname(file), name) : name,
      })),
    );
}

/** Imports between top-level folders that are not in the table. */
export function findForbiddenFolders(tree: Tree): string[] {
  return importsOf(tree)
    .filter(({ file, target }) => {
      const from = topFolder(file);
      const to = topFolder(target);
      // Without a folder it is a library, or a file at the root.
      if (!tree.has(target) || from === 'test' || from === to) return false;
      if (DOCUMENT_GENERATOR.test(file) && to === 'proxy') return false;
      return !(MAY_IMPORT[from] ?? []).includes(to);
    })
    .map(describe);
}

/** Imports inside the proxy that point upwards, and whatever http2 imports from outside. */
export function findUpwardImports(tree: Tree): string[] {
  return importsOf(tree)
    .filter(({ file }) => file.startsWith('proxy/'))
    .filter(({ file, target }) =>
      proxyPart(file) === 'http2'
        ? !/^(node:|proxy\/http2\/)/.test(target)
        : target.startsWith('proxy/') && !pointsDown(file, target),
    )
    .map(describe);
}

/** Parts of the proxy that are not in the table yet. */
export function findUnplacedParts(tree: Tree): string[] {
  return [...tree.keys()].filter((file) => {
    const part = proxyPart(file);
    return /^proxy\/.*\.ts$/.test(file) && layerOf(part) < 0 && !CONFIG.test(part);
  });
}

function pointsDown(file: string, target: string): boolean {
  const from = proxyPart(file);
  const to = proxyPart(target);
  if (CONFIG.test(to)) return CONFIG.test(from) || KNOWS_CONFIG.includes(from);
  return !CONFIG.test(from) && layerOf(from) <= layerOf(to);
}

/** A file at the proxy's top, or the folder that a file is in. */
function proxyPart(file: string): string {
  return file.split('/')[1] ?? '';
}

function layerOf(part: string): number {
  return PROXY_LAYERS.findIndex((layer) => layer.includes(part));
}

/** Libraries that a second file imports. */
export function findScatteredLibraries(tree: Tree): string[] {
  return importsOf(tree)
    .filter(({ file, target }) => {
      const importers = ONLY_IMPORTERS[packageName(target)] ?? [file];
      return !importers.includes(file) && topFolder(file) !== 'test';
    })
    .map(describe);
}

/** Runtime dependencies without a file of their own. `node` is the program that runs us. */
export function findHomelessLibraries(tree: Tree): string[] {
  const manifest = JSON.parse(tree.get('package.json') ?? '{}');
  return Object.keys(manifest.dependencies ?? {}).filter(
    (name) => name !== 'node' && !ONLY_IMPORTERS[name]?.some((file) => tree.has(file)),
  );
}

function packageName(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}

function topFolder(path: string): string {
  return path.includes('/') ? (path.split('/')[0] ?? '') : '';
}

function describe({ file, target }: Import): string {
  return `${file} imports ${target}`;
}
