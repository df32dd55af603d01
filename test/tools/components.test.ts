import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT_DIRECTORY } from '../../tools/binaries.ts';
import { buildArguments, COMPONENTS } from '../../tools/components.ts';

/** The version that a go.mod requires of a module, from a block or a line of its own. */
function requiredVersion(module: string, path: string): string | undefined {
  const text = readFileSync(join(ROOT_DIRECTORY, module, 'go.mod'), 'utf8');
  const escaped = path.replaceAll('.', '\\.');
  return new RegExp(`^(?:require\\s+|\\s+)${escaped} (\\S+)`, 'm').exec(text)?.[1];
}

test.each(COMPONENTS)(
  '$name is pinned by go.mod to the version that the table names',
  (component) => {
    const pinned = requiredVersion(component.module, component.pinnedBy);
    expect(pinned?.replace('+incompatible', '')).toBe(component.version);
  },
);

test.each(COMPONENTS)('the module of $name has checksums', ({ module }) => {
  expect(readFileSync(join(ROOT_DIRECTORY, module, 'go.sum'), 'utf8')).toMatch(/^\S+ v\S+ h1:/m);
});

test('every Kubernetes library is replaced by the one release that belongs to the version', () => {
  const text = readFileSync(join(ROOT_DIRECTORY, 'tools/kubernetes/go.mod'), 'utf8');
  const versions = new Set([...text.matchAll(/=> k8s\.io\/\S+ (\S+)/g)].map((match) => match[1]));
  const { version } = COMPONENTS.find(({ name }) => name === 'kube-apiserver') ?? {};
  expect([...versions]).toEqual([version?.replace('v1.', 'v0.')]);
});

test('no two components have the same name', () => {
  expect(new Set(COMPONENTS.map(({ name }) => name)).size).toBe(COMPONENTS.length);
});

test('a build sets the version and leaves go.mod alone', () => {
  const [kubectl] = COMPONENTS.filter(({ name }) => name === 'kubectl');
  if (kubectl === undefined) throw new Error('kubectl is not in the table');
  const args = buildArguments(kubectl, '/x/kubectl');
  expect(args).toContain('-mod=readonly');
  expect(args[args.indexOf('-ldflags') + 1]).toContain(
    '-X k8s.io/component-base/version.gitVersion=v1.34.4',
  );
  expect(args.slice(-3)).toEqual(['-o', '/x/kubectl', 'k8s.io/kubernetes/cmd/kubectl']);
});
