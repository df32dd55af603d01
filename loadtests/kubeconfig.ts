// The one place that reads kubeconfig files: server, authority and one user's credentials.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { CommandError } from '../common/command.ts';

/** A cluster and who we are there. PEM texts, so that files and inline data are one. */
export interface ClusterAccess {
  /** Without a slash at its end. */
  readonly server: string;
  readonly caPem?: string;
  readonly token?: string;
  readonly certificate?: { readonly certPem: string; readonly keyPem: string };
}

type Fields = Readonly<Record<string, unknown>>;

/** Throws a CommandError that names the file. Credential plugins are refused, not run. */
export function readKubeconfig(file: string): ClusterAccess {
  const fail = (why: string, cause?: unknown): CommandError =>
    new CommandError(`${file}: ${why}`, { cause });
  let config: Fields;
  try {
    config = fieldsOf(parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw fail(`cannot be read as a kubeconfig (${(cause as Error).message})`, cause);
  }
  const context = named(config.contexts, config['current-context'], 'context');
  if (context === undefined) throw fail('current-context names no context of the file');
  const cluster = named(config.clusters, context.cluster, 'cluster');
  const server = cluster?.server;
  if (cluster === undefined || typeof server !== 'string') {
    throw fail(`no server for the cluster "${String(context.cluster)}"`);
  }
  const user = named(config.users, context.user, 'user') ?? {};
  if (user.exec !== undefined || user['auth-provider'] !== undefined) {
    throw fail('the user has a credential plugin: give a token by --token-file instead');
  }
  const pem = (fields: Fields, key: string): string | undefined => readPem(fields, key, file);
  const caPem = pem(cluster, 'certificate-authority');
  const certPem = pem(user, 'client-certificate');
  const keyPem = pem(user, 'client-key');
  const token = typeof user.token === 'string' ? user.token : undefined;
  return {
    server: server.replace(/\/+$/, ''),
    ...(caPem === undefined ? {} : { caPem }),
    ...(token === undefined ? {} : { token }),
    ...(certPem === undefined || keyPem === undefined ? {} : { certificate: { certPem, keyPem } }),
  };
}

/** Data before the file of the same name, as client-go prefers it (tools/clientcmd/api/types.go). */
function readPem(fields: Fields, key: string, file: string): string | undefined {
  const inline = fields[`${key}-data`];
  if (typeof inline === 'string') return Buffer.from(inline, 'base64').toString('utf8');
  const path = fields[key];
  if (typeof path !== 'string') return undefined;
  try {
    // Paths are relative to the kubeconfig, not to where the command is run.
    return readFileSync(resolve(dirname(file), path), 'utf8');
  } catch (cause) {
    throw new CommandError(`${file}: ${key}: ${(cause as Error).message}`, { cause });
  }
}

function named(list: unknown, name: unknown, key: string): Fields | undefined {
  const entries = Array.isArray(list) ? list.map(fieldsOf) : [];
  const found = entries.find((entry) => entry.name === name);
  return found === undefined ? undefined : fieldsOf(found[key]);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
