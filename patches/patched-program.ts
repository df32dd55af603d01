// Builds a Kubernetes component with its patches into .tools/bin, beside the one as published.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryPath, missingBinaries, ROOT_DIRECTORY, TOOLS_DIRECTORY } from '../tools/binaries.ts';
import { buildArguments, COMPONENTS, type Component } from '../tools/components.ts';
import { isPackageName } from '../tools/go.ts';
import { type Base, type Patch, readPatchSet } from './patch-set.ts';
import { runInSource, unpackFromProxy } from './source.ts';
import { WorkingCopy } from './working-copy.ts';

/** How a build is told about, and stopped. */
export interface BuildOptions {
  /** The text of `go version`. */
  readonly goVersion: string;
  readonly signal: AbortSignal;
  readonly onNote?: (text: string) => void;
}

interface Plan {
  readonly component: Component;
  /** Kubernetes itself, in which the command lies. */
  readonly host: Base;
  /** What the patches are for: Kubernetes, or a module that the command is linked with. */
  readonly base: Base;
  readonly patches: readonly Patch[];
}

const KUBERNETES = 'k8s.io/kubernetes';

/** The name in .tools/bin of `program` with its patches. */
export function patchedName(program: string): string {
  return `${program}-patched`;
}

/**
 * Builds `program` as `npm run tools` does, with all the patches for its version; what is up to date
 * is left alone. Resolves with whether anything was built.
 */
export async function buildPatched(program: string, options: BuildOptions): Promise<boolean> {
  const plan = await planBuild(program);
  const name = patchedName(program);
  const stampPath = join(TOOLS_DIRECTORY, 'stamps', name);
  const stamp = computeStamp(plan, options.goVersion);
  const built = await readFile(stampPath, 'utf8').catch(() => '');
  if (built === stamp && missingBinaries([name]).length === 0) return false;
  // The process id keeps two builds at the same time apart.
  const room = join(TOOLS_DIRECTORY, 'patches', `build-${process.pid}-${program}`);
  try {
    const output = await build(plan, room, options);
    // Between the two there is no stamp that says too much.
    await rm(stampPath, { force: true });
    await mkdir(join(TOOLS_DIRECTORY, 'bin'), { recursive: true });
    await rename(output, binaryPath(name));
    await mkdir(join(TOOLS_DIRECTORY, 'stamps'), { recursive: true });
    await writeFile(stampPath, stamp);
    return true;
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

async function planBuild(program: string): Promise<Plan> {
  const component = COMPONENTS.find(({ name }) => name === program);
  if (component?.pinnedBy !== KUBERNETES) {
    throw new Error(`${program}: not a program of Kubernetes that npm run tools builds`);
  }
  const { bases, patches, problems } = await readPatchSet(join(ROOT_DIRECTORY, 'patches'));
  const { version } = component;
  const host = bases.find((base) => base.module === KUBERNETES && base.version === version);
  // Of the modules that go with Kubernetes v1.34.4 the version is v0.34.4.
  const versions = [version, version.replace(/^v1\./, 'v0.')];
  const base = bases.find((one) => one.component === program && versions.includes(one.version));
  if (host === undefined || base === undefined) {
    throw new Error(`upstream.json: no source of ${program} ${version}`);
  }
  const own = problems.find((problem) => problem.startsWith(`${base.component}/${base.version}/`));
  if (own !== undefined) throw new Error(own);
  return { component, host, base, patches: patches.filter((patch) => patch.base === base) };
}

function computeStamp({ component, host, base, patches }: Plan, goVersion: string): string {
  const texts = patches.map(({ change }) => change?.text);
  const parts = [goVersion, host, base, texts, buildArguments(component, component.name)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** Resolves with the path of the program. */
async function build(plan: Plan, room: string, options: BuildOptions): Promise<string> {
  const { component, host, base, patches } = plan;
  const { signal, onNote } = options;
  const source = join(room, 'source');
  onNote?.('unpacking');
  await unpackFromProxy(host, source, signal);
  let patched = source;
  if (base !== host) {
    patched = join(room, 'module');
    await unpackFromProxy(base, patched, signal);
    await replaceModule(source, base.module, '../module');
  }
  const copy = new WorkingCopy(patched, signal);
  for (const { change, name } of patches) {
    if (change === undefined) continue;
    const complaint = await copy.apply(change);
    if (complaint !== undefined) throw new Error(`${name} does not apply: ${complaint}`);
  }
  const output = join(room, component.name);
  let packages = 0;
  const { exitCode, lines } = await runInSource({
    directory: source,
    command: 'go',
    // The sums of what the patched go.mod asks for are not in its go.sum yet.
    args: buildArguments(component, output).filter((argument) => argument !== '-mod=readonly'),
    signal,
    onLine: (line) => {
      if (isPackageName(line)) onNote?.(`${++packages} packages compiled`);
    },
  });
  signal.throwIfAborted();
  if (exitCode === 0) return output;
  const complaints = lines.filter((line) => !isPackageName(line));
  throw new Error(`${component.name}: go build failed:\n${complaints.join('\n')}`);
}

/** Lets the go.mod in `directory` take `module` from a folder. */
async function replaceModule(directory: string, module: string, target: string): Promise<void> {
  const path = join(directory, 'go.mod');
  const text = await readFile(path, 'utf8');
  const lines = text.split('\n').map((line) => {
    const [, indent, name] = /^(\s*)(\S+) => /.exec(line) ?? [];
    return name === module ? `${indent}${module} => ${target}` : line;
  });
  if (lines.join('\n') === text) throw new Error(`go.mod of Kubernetes: no replace of ${module}`);
  await writeFile(path, lines.join('\n'));
}
