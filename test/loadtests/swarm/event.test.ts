import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  endsInitialEvents,
  readErrorCode,
  readEvent,
  readListVersion,
} from '../../../loadtests/swarm/event.ts';
import { Marker } from '../../../loadtests/swarm/marker.ts';
import { encodeProtobufEvent, encodeProtobufStatus } from '../../../simulator/protobuf-watch.ts';
import { RESOURCES } from '../../../simulator/resources.ts';

const marker = new Marker('run');
const metadata = {
  name: 'one',
  namespace: 'default',
  uid: 'u',
  resourceVersion: '4711',
  creationTimestamp: '2026-01-01T00:00:00Z',
  // What users write may look like what we search for.
  annotations: {
    a: '"metadata":{"resourceVersion":"1"',
    'evenkeel.dev/swarm': marker.format({ object: 3, sequence: 9, sentUs: 12 }),
    'k8s.io/initial-events-end': 'true',
  },
};
const status = { kind: 'Status', status: 'Failure', message: 'm', reason: 'Expired', code: 410 };

function protobuf(frame: Buffer): Buffer {
  return frame.subarray(4);
}

const [configMaps] = RESOURCES.filter(({ plural }) => plural === 'configmaps');
if (configMaps === undefined) throw new Error('the simulator has no configmaps');
const frames = {
  json: {
    event: Buffer.from(
      JSON.stringify({ type: 'MODIFIED', object: { kind: 'ConfigMap', metadata } }),
    ),
    error: Buffer.from(JSON.stringify({ type: 'ERROR', object: { metadata: {}, ...status } })),
  },
  protobuf: {
    event: protobuf(encodeProtobufEvent('MODIFIED', configMaps, { metadata })),
    error: protobuf(encodeProtobufStatus(status)),
  },
};

test.each(['json', 'protobuf'] as const)(
  'type, revision, mark and code are read from %s',
  (how) => {
    const { event, error } = frames[how];
    expect(readEvent(event, how)).toEqual({ type: 'MODIFIED', version: 4711 });
    expect(marker.find(event)?.mark).toEqual({ object: 3, sequence: 9, sentUs: 12 });
    expect(endsInitialEvents(event)).toBe(true);
    expect(readEvent(error, how)).toEqual({ type: 'ERROR', version: 0 });
    expect(readErrorCode(error, how)).toBe(410);
  },
);

test.each(['json', 'protobuf'] as const)('no damage to %s makes reading throw', (how) => {
  const place = fc.nat();
  fc.assert(
    fc.property(place, fc.nat(255), place, fc.boolean(), (at, byte, length, error) => {
      const whole = Buffer.from(error ? frames[how].error : frames[how].event);
      whole[at % whole.length] = byte;
      const damaged = whole.subarray(0, length % (whole.length + 1));
      expect(readEvent(damaged, how).version).toBeGreaterThanOrEqual(0);
      expect(readErrorCode(damaged, how)).toBeGreaterThanOrEqual(0);
      expect(readListVersion(damaged, how)).toBeGreaterThanOrEqual(0);
      marker.find(damaged);
    }),
    { numRuns: 500 },
  );
});
