import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Http1Limits } from '../../../../../proxy/http1/limits.ts';
import type { Pki } from '../../../../../tools/pki.ts';
import {
  type FrontDoor,
  type FrontDoorOptions,
  openFrontDoor,
  temporaryPki,
} from './front-door.ts';
import { openRawClient, type RawClient } from './raw-client.ts';

// Raw clients do not close when the server does; so that the tests need not wait for them.
const linger = { flushMs: 1000, lingerMs: 100, maxBytes: 8 * 1024 * 1024 };

export interface Fixture {
  readonly pki: Pki;
  /** A door and one connection to it. */
  open(
    limits?: Partial<Http1Limits>,
    options?: FrontDoorOptions,
  ): Promise<{ to: FrontDoor; client: RawClient }>;
  dial(to: FrontDoor): Promise<RawClient>;
}

/** Registers what every test of a file needs: certificates once, and an end of all that it opened. */
export function useFrontDoor(): Fixture {
  let pki: Pki | undefined;
  let removePki = async (): Promise<void> => {};
  let doors: FrontDoor[] = [];
  let clients: RawClient[] = [];

  beforeAll(async () => {
    ({ pki, remove: removePki } = await temporaryPki());
  });
  afterAll(() => removePki());
  afterEach(async () => {
    for (const client of clients) client.socket.destroy();
    clients = [];
    for (const door of doors) await door.close();
    doors = [];
  });

  const made = (): Pki => {
    if (pki === undefined) throw new Error('the certificates are made in beforeAll');
    return pki;
  };
  const dial = async (to: FrontDoor): Promise<RawClient> => {
    const client = await openRawClient(to);
    clients.push(client);
    return client;
  };
  return {
    get pki() {
      return made();
    },
    open: async (limits = {}, options = {}) => {
      const to = await openFrontDoor(made(), { ...options, limits: { linger, ...limits } });
      doors.push(to);
      return { to, client: await dial(to) };
    },
    dial,
  };
}
