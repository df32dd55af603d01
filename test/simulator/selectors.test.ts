import { expect, test } from 'vitest';
import { findResource, type Resource } from '../../simulator/resources.ts';
import { allOf, parseFieldSelector, parseLabelSelector } from '../../simulator/selectors.ts';

const object = {
  metadata: {
    name: 'web-0',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '1',
    labels: { app: 'web', tier: 'front' },
  },
  spec: { nodeName: 'node-1' },
};

function pods(): Resource {
  const resource = findResource('', 'v1', 'pods');
  if (!resource) throw new Error('no pods');
  return resource;
}

test.each([
  ['app=web', true],
  ['app==web', true],
  ['app=db', false],
  ['app!=db', true],
  ['missing!=x', true],
  ['app in (db, web)', true],
  ['app notin (db,web)', false],
  ['missing notin (x)', true],
  ['app', true],
  ['!app', false],
  ['!missing', true],
  ['app in (web),tier=front', true],
  ['app=web,tier=back', false],
  // No inherited property of JavaScript objects is a label.
  ['constructor', false],
])('the label selector %s selects: %s', (text, selected) => {
  expect(parseLabelSelector(text)?.(object)).toBe(selected);
});

test('an empty selector is no selector', () => {
  expect(parseLabelSelector('')).toBeUndefined();
  expect(parseLabelSelector(null)).toBeUndefined();
  expect(allOf(undefined, undefined)).toBeUndefined();
});

test.each(['a b', 'app in web', '=x', 'app=a=b'])('the label selector %s is refused', (text) => {
  expect(() => parseLabelSelector(text)).toThrow('unable to parse requirement');
});

test.each([
  ['metadata.name=web-0', true],
  ['metadata.name!=web-0', false],
  ['spec.nodeName=node-1,metadata.namespace=default', true],
  ['spec.nodeName=', false],
  ['status.phase=', true],
  ['spec.hostNetwork=false', true],
])('the field selector %s selects: %s', (text, selected) => {
  expect(parseFieldSelector(text, pods())?.(object)).toBe(selected);
});

test('a field that the resource does not declare is refused by name', () => {
  expect(() => parseFieldSelector('spec.colour=red', pods())).toThrow(
    'field label not supported: spec.colour',
  );
});
