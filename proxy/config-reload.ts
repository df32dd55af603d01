// A configuration that changes while the door is open: certificates, authorities and the endpoints
// are taken over, everything else is named and waits for a restart.
import { statSync } from 'node:fs';
import type { Log } from '../common/log.ts';
import { type Config, loadConfig } from './config.ts';

/** How often files are looked at. A volume of Kubernetes is swapped whole, which no watch survives. */
const LOOK_INTERVAL_MS = 5000;
/** Contents of files, their list, and the endpoints: what a running door can take over. */
const TAKEN_OVER: ReadonlySet<string> = new Set([
  'listen.certificatePem',
  'listen.keyPem',
  'identity.clientCaPem',
  'frontProxy.certificatePem',
  'frontProxy.keyPem',
  'upstream.caPem',
  'upstream.endpoints',
  'files',
]);

/** What a reload needs from its process; tests pass their own. */
export interface ReloadHost {
  on(event: 'SIGHUP', listener: () => void): unknown;
  off(event: 'SIGHUP', listener: () => void): unknown;
}

/** Reads the configuration again at SIGHUP and when one of its files has changed. */
export class ConfigReload {
  private readonly file: string;
  private readonly log: Log;
  private readonly host: ReloadHost;
  private config: Config;
  private seen: string;
  private timer: NodeJS.Timeout | undefined;
  private onSignal: (() => void) | undefined;

  /** @param config as it was read from `file` at the start */
  constructor(file: string, config: Config, log: Log, host: ReloadHost = process) {
    this.file = file;
    this.config = config;
    this.log = log;
    this.host = host;
    this.seen = signatureOf(config.files);
  }

  /** @param apply is handed the running configuration with what could be taken over */
  start(apply: (config: Config) => void, intervalMs = LOOK_INTERVAL_MS): void {
    this.onSignal = () => this.reload('SIGHUP', apply);
    this.host.on('SIGHUP', this.onSignal);
    this.timer = setInterval(() => {
      if (signatureOf(this.config.files) !== this.seen) this.reload('files have changed', apply);
    }, intervalMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    if (this.onSignal !== undefined) this.host.off('SIGHUP', this.onSignal);
  }

  reload(why: string, apply: (config: Config) => void): void {
    const signature = signatureOf(this.config.files);
    let next: Config;
    try {
      next = loadConfig(this.file);
    } catch (error) {
      // A certificate and its key change one after the other: the next change may mend it.
      const reason = error instanceof Error ? error.message : String(error);
      this.log.error({ why, reason }, 'the configuration is not taken over, the old one stays');
      this.seen = signature;
      return;
    }
    this.seen = signatureOf(next.files);
    const changed = changedPaths(this.config, next);
    const waiting = changed.filter((path) => !TAKEN_OVER.has(path));
    if (waiting.length > 0) {
      const keys = waiting.map((path) => path.replace(/(Ms|Bytes)$/, ''));
      this.log.warn({ why, keys }, 'these keys have changed and need a restart');
    }
    this.config = takeOver(this.config, next);
    apply(this.config);
    this.log.info({ why }, 'certificates, authorities and endpoints are taken over');
  }
}

/** The running configuration with the certificates, authorities and endpoints of the new one. */
function takeOver(running: Config, next: Config): Config {
  const { certificatePem, keyPem } = next.listen;
  const { frontProxy } = running;
  // Whether clients are asked for certificates, and whether there is a front proxy, stays as it is.
  const clientCaPem =
    running.identity.clientCaPem === undefined ? undefined : next.identity.clientCaPem;
  return {
    ...running,
    files: next.files,
    listen: { ...running.listen, certificatePem, keyPem },
    identity: {
      ...running.identity,
      clientCaPem: clientCaPem ?? running.identity.clientCaPem,
    },
    frontProxy:
      frontProxy === undefined || next.frontProxy === undefined
        ? frontProxy
        : {
            ...frontProxy,
            certificatePem: next.frontProxy.certificatePem,
            keyPem: next.frontProxy.keyPem,
          },
    upstream: {
      ...running.upstream,
      caPem: next.upstream.caPem,
      endpoints: next.upstream.endpoints,
    },
  };
}

/** Where two configurations differ, as `section.key`. Never what they hold: there are keys in it. */
export function changedPaths(one: object, other: object, prefix = ''): string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].flatMap((name) => {
    const [before, after] = [one, other].map((of) => (of as Record<string, unknown>)[name]);
    const path = `${prefix}${name}`;
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const inside = isSection(before) && isSection(after) && prefix.split('.').length < 3;
    return inside ? changedPaths(before, after, `${path}.`) : [path];
  });
}

function isSection(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Another text when one of the files may have another content. */
function signatureOf(files: readonly string[]): string {
  return files
    .map((file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return stats === undefined ? 'none' : `${stats.ino} ${stats.mtimeMs} ${stats.size}`;
    })
    .join('\n');
}
