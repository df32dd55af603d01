// When the object of an event was written, by what the event itself shows.

/**
 * `renew_time`: spec.renewTime of a Lease, set by its holder, to the microsecond. `managed_fields`:
 * the newest time in metadata.managedFields, set by an apiserver, which cuts it to whole seconds. It
 * is that of the last write that set a field's value (structured-merge-diff): a write that only
 * removes fields, a deletion, and the binding of a pod leave it as it was.
 */
export type WriteTimeSource = 'renew_time' | 'managed_fields';

export interface WriteTime {
  /** In milliseconds since 1970, on the writer's clock; what is finer is cut off. */
  readonly atMs: number;
  readonly source: WriteTimeSource;
}
