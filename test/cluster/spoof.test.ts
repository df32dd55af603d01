// Nobody becomes somebody else by a header: not an anonymous client, not one with a token, not one
// with a certificate, on no protocol. What the apiservers believe is asked of real ones; what reaches
// them is looked at in a server that stands in their place.

import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test as plainTest } from 'vitest';
import { type DoorProcess, startDoor } from '../../tools/door.ts';
import { useCluster } from './support/cluster.ts';
import type { Target } from './support/exchange.ts';
import { type RawAnswer, type RawRequest, rawHttp1, rawHttp2 } from './support/raw-client.ts';
import { type RecordingBackend, startRecordingBackend } from './support/recording-backend.ts';
import { type Field, SPOOFS, saysIdentity } from './support/spoof-headers.ts';

let backend: RecordingBackend;
let recordingDoor: DoorProcess;
let certificate: NonNullable<Target['identity']['certificate']>;

const { test, cluster } = useCluster({
  replicas: 1,
  async prepare({ pki, children, directory }) {
    const subject = { commonName: 'carol', organizations: ['dev'], uid: 'u-17' };
    certificate = await pki.issueClient(subject);
    backend = await startRecordingBackend(pki);
    recordingDoor = await startDoor({
      directory: await mkdtemp(join(directory, 'log', 'recording-')),
      pki,
      children,
      endpoints: [{ name: 'recording', url: backend.url }],
    });
  },
});

afterAll(async () => {
  await backend?.close();
});

const WHO = ['nobody', 'a token', 'a certificate'] as const;

function identityOf(who: (typeof WHO)[number]): Target['identity'] {
  if (who === 'a certificate') return { certificate };
  return who === 'a token' ? { token: cluster().tokens.alice } : {};
}

const WHOAMI = {
  method: 'POST',
  path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
  body: '{"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"}',
};
const JSON_FIELD: Field = ['content-type', 'application/json'];
// None of the three may do this, and the refusal names the user.
const EXEC = '/api/v1/namespaces/default/pods/nobody/exec?command=id';
const WEBSOCKET: readonly Field[] = [
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
];
const SPDY: readonly Field[] = [
  ['Upgrade', 'SPDY/3.1'],
  ['X-Stream-Protocol-Version', 'v4.channel.k8s.io'],
];

interface Way {
  readonly name: string;
  readonly send: (target: Target, spoof: readonly Field[]) => Promise<RawAnswer>;
}

/** An upgrade needs its own Connection; what the spoof lists there is added to it. */
function upgradeRequest(fields: readonly Field[], spoof: readonly Field[]): readonly Field[] {
  const listed = spoof.filter(([name]) => name === 'Connection').map(([, value]) => value);
  const others = spoof.filter(([name]) => name !== 'Connection');
  return [['Connection', ['Upgrade', ...listed].join(', ')], ...fields, ...others];
}

const whoami = (spoof: readonly Field[]): RawRequest => ({
  ...WHOAMI,
  fields: [JSON_FIELD, ...spoof],
});
const whoamiTrailers = (spoof: readonly Field[]): RawRequest => ({
  ...WHOAMI,
  fields: [JSON_FIELD, ['trailer', 'x-remote-user']],
  trailers: spoof,
});

/** HTTP/2 has no other names, and no Connection (RFC 9113, section 8.2). */
function inLowerCase(fields: readonly Field[]): readonly Field[] {
  return fields
    .map(([name, value]): Field => [name.toLowerCase(), value])
    .filter(([name]) => !OF_A_CONNECTION.has(name));
}

const OF_A_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection']);

const WAYS: readonly Way[] = [
  { name: 'HTTP/2', send: (target, spoof) => rawHttp2(target, whoami(spoof)) },
  {
    name: 'HTTP/2 in lower case',
    send: (target, spoof) => rawHttp2(target, whoami(inLowerCase(spoof))),
  },
  { name: 'HTTP/1.1', send: (target, spoof) => rawHttp1(target, whoami(spoof)) },
  {
    name: 'trailers of HTTP/2',
    send: (target, spoof) => rawHttp2(target, whoamiTrailers(inLowerCase(spoof))),
  },
  {
    name: 'trailers of HTTP/1.1',
    send: (target, spoof) => rawHttp1(target, whoamiTrailers(spoof)),
  },
  {
    name: 'a WebSocket upgrade',
    send: (target, spoof) =>
      rawHttp1(target, { method: 'GET', path: EXEC, fields: upgradeRequest(WEBSOCKET, spoof) }),
  },
  {
    name: 'a SPDY upgrade',
    send: (target, spoof) =>
      rawHttp1(target, {
        method: 'POST',
        path: EXEC,
        fields: upgradeRequest(SPDY, spoof),
        body: '',
      }),
  },
];

function withoutTime(answer: RawAnswer): RawAnswer {
  if ('refused' in answer) return answer;
  return { body: answer.body.replace(/"creationTimestamp":"[^"]*"/, '') };
}

const TRUTHS: Readonly<Record<(typeof WHO)[number], RegExp>> = {
  nobody: /User \\"system:anonymous\\" cannot/,
  'a token':
    /User \\"alice\\" cannot|"username":"alice","uid":"uid-alice","groups":\["dev","ops","/,
  'a certificate':
    /User \\"carol\\" cannot|"username":"carol","uid":"u-17","groups":\["dev","system/,
};

for (const { name, send } of WAYS) {
  for (const who of WHO) {
    test(`${SPOOFS.length} spoofs by ${name} leave ${who} what it is`, async () => {
      const target = {
        url: cluster().door.url,
        ca: cluster().pki.clusterCa.cert,
        identity: identityOf(who),
      };
      const truth = withoutTime(await send(target, []));
      expect(truth).toMatchObject({ body: expect.stringMatching(TRUTHS[who]) });
      let accepted = 0;
      for (const spoof of SPOOFS) {
        const answer = withoutTime(await send(target, spoof));
        if ('body' in answer) accepted += 1;
        if ('body' in answer) expect(answer, JSON.stringify(spoof)).toEqual(truth);
      }
      // Some spellings are no HTTP, and refused; if all were, this would show nothing.
      expect(accepted).toBeGreaterThan(SPOOFS.length / 3);
    });

    test(`of ${SPOOFS.length} spoofs by ${name} with ${who} none reaches an apiserver`, async () => {
      const target = {
        url: recordingDoor.url,
        ca: cluster().pki.clusterCa.cert,
        identity: identityOf(who),
      };
      backend.take();
      backend.take();
      await send(target, []);
      const [stamps] = arrivals();
      expect(stamps?.certificate).toBe(who === 'a certificate' ? 'front-proxy' : '');
      expect(stamps?.names).toEqual(who === 'a certificate' ? STAMPS : []);
      let arrived = 0;
      for (const spoof of SPOOFS) {
        const answer = await send(target, spoof);
        const seen = arrivals();
        // Of a request whose trailers are refused the head may arrive, a little later too.
        if ('body' in answer) expect(seen).not.toEqual([]);
        for (const each of seen) expect(each, JSON.stringify(spoof)).toEqual(stamps);
        arrived += seen.length;
      }
      expect(arrived).toBeGreaterThan(SPOOFS.length / 3);
    });
  }
}

// proxy/http1/request-head.ts lets Connection take these off. A proxy before the door that adds them
// would have them removed by its own client. Passes by failing until that is mended.
plainTest('Connection takes off neither a token nor an impersonation', async () => {
  const { door, pki, tokens } = cluster();
  const target = { url: door.url, ca: pki.clusterCa.cert, identity: { token: tokens.alice } };
  const listed: readonly Field[] = [['Connection', 'Authorization, Impersonate-User']];
  const bob: Field = ['Impersonate-User', 'bob'];
  expect(withoutTime(await rawHttp1(target, whoami(listed)))).toEqual(
    withoutTime(await rawHttp1(target, whoami([]))),
  );
  expect(withoutTime(await rawHttp1(target, whoami([...listed, bob])))).toEqual(
    withoutTime(await rawHttp1(target, whoami([bob]))),
  );
});

const STAMPS = [
  'x-remote-user',
  'x-remote-group',
  'x-remote-uid',
  'x-remote-extra-authentication.kubernetes.io%2fcredential-id',
];

interface Arrival {
  readonly certificate: string;
  readonly names: readonly string[];
  readonly fields: readonly Field[];
}

/** What says an identity in the requests that have arrived since the last call. */
function arrivals(): Arrival[] {
  return backend.take().map(({ certificate: proven, fields, trailers }) => {
    const said = [...fields, ...trailers].filter(([field]) => saysIdentity(field));
    return { certificate: proven, names: said.map(([field]) => field.toLowerCase()), fields: said };
  });
}
