// Recorded connections under test/corpus: what real clients and servers sent, and mutations of it
// that led somewhere new. One file each, hexadecimal so that a diff can be read.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Role } from './hardened-connection.ts';

const ROOT = new URL('../corpus/', import.meta.url);
const LINE_BYTES = 48;

export interface Entry {
  readonly name: string;
  readonly bytes: Buffer;
}

/** @param role of the engine that the bytes are sent to */
export function readCorpus(role: Role): Entry[] {
  return readdirSync(new URL(`${role}/`, ROOT))
    .filter((name) => name.endsWith('.hex'))
    .sort()
    .map((name) => ({
      name,
      bytes: Buffer.from(
        readFileSync(new URL(`${role}/${name}`, ROOT), 'utf8').replaceAll('\n', ''),
        'hex',
      ),
    }));
}

/** @returns the name of the file, which is the same for the same bytes */
export function addToCorpus(role: Role, bytes: Buffer, stem?: string): string {
  const name = `${stem ?? createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.hex`;
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    lines.push(bytes.toString('hex', at, Math.min(at + LINE_BYTES, bytes.length)));
  }
  mkdirSync(new URL(`${role}/`, ROOT), { recursive: true });
  writeFileSync(new URL(`${role}/${name}`, ROOT), `${lines.join('\n')}\n`);
  return name;
}
