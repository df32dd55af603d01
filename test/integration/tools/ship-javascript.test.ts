import { execFileSync } from 'node:child_process';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPki } from '../../../tools/pki.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PACKED = ['common', 'etcd-tools', 'proxy', 'tools/ship-javascript.ts', 'package.json'];

test('an installed package has commands that start, and no TypeScript', {
  timeout: 120_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-pack-'));
  try {
    // A copy: other tests read the tree while this one has JavaScript written into it.
    const copy = join(directory, 'copy');
    for (const name of PACKED) cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    execFileSync('npm', ['pack', '--offline', '--silent'], { cwd: copy, stdio: 'pipe' });
    const scripts = '{common,etcd-tools,proxy}/**/*.js';
    expect(globSync(scripts, { cwd: copy }).toSorted()).toEqual(
      globSync(scripts, { cwd: ROOT }).toSorted(),
    );

    const modules = join(directory, 'node_modules');
    const installed = join(modules, 'evenkeel');
    mkdirSync(installed, { recursive: true });
    const [tarball = ''] = globSync('*.tgz', { cwd: copy });
    execFileSync('tar', ['-xzf', join(copy, tarball), '-C', installed, '--strip-components=1']);
    for (const name of readdirSync(join(ROOT, 'node_modules'))) {
      if (name !== 'evenkeel') symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    }

    expect(globSync('**/*.ts', { cwd: installed })).toEqual([]);
    const { version, bin } = JSON.parse(
      execFileSync('tar', ['-xzOf', join(copy, tarball), 'package/package.json'], {
        encoding: 'utf8',
      }),
    );
    const run = (command: string, ...args: string[]): string =>
      execFileSync(process.execPath, [join(installed, bin[command]), ...args], {
        encoding: 'utf8',
      });
    expect(run('evenkeel', '--version')).toContain(version);
    expect(run('evenkeel', '--config', await writeConfig(directory), '--check')).toContain(': ok');
    expect(run('evenkeel-etcd', '--help')).toContain('evenkeel-etcd');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});

test('the same commands start in a checkout', () => {
  const { bin, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const run = (command: string, argument: string): string =>
    execFileSync(process.execPath, [join(ROOT, bin[command]), argument], { encoding: 'utf8' });
  expect(run('evenkeel', '--version')).toContain(version);
  expect(run('evenkeel-etcd', '--help')).toContain('evenkeel-etcd');
});

async function writeConfig(directory: string): Promise<string> {
  const { door, clusterCa } = await createPki(join(directory, 'pki'));
  const file = join(directory, 'evenkeel.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      listen: { certificate: door.certPath, key: door.keyPath },
      upstream: { ca: clusterCa.certPath, endpoints: ['https://127.0.0.1:6443'] },
    }),
  );
  return file;
}
