// @peculiar/x509 builds on tsyringe, which refuses to load where the three functions of the
// abandoned TC39 metadata proposal are missing. It uses no more of them than is here, so these
// lines stand in for a further package. To be imported before @peculiar/x509.

const entriesByTarget = new WeakMap<object, Map<unknown, unknown>>();

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const entries = entriesByTarget.get(target) ?? new Map<unknown, unknown>();
  entriesByTarget.set(target, entries.set(key, value));
}

function getOwnMetadata(key: unknown, target: object): unknown {
  return entriesByTarget.get(target)?.get(key);
}

/** Unlike `getOwnMetadata` this sees what was defined on a base class. */
function getMetadata(key: unknown, target: object | null): unknown {
  for (let owner = target; owner !== null; owner = Object.getPrototypeOf(owner)) {
    if (entriesByTarget.get(owner)?.has(key)) return getOwnMetadata(key, owner);
  }
  return undefined;
}

// Whoever loaded the whole package first keeps it.
if (!('getMetadata' in Reflect)) {
  Object.assign(Reflect, { defineMetadata, getMetadata, getOwnMetadata });
}
