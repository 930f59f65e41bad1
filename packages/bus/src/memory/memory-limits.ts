/** What bounds the memory bus and what it is given from outside. */

export type MemoryBusOptions = {
  /** The largest value, in bytes. */
  readonly valueBytesMax?: number;
  /** How long a rejected message waits before it comes again, in milliseconds. */
  readonly redeliverAfterMs?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs?: () => number;
  /** Told what a watch's or a consumer's handler threw. */
  readonly onHandlerError?: (error: unknown) => void;
};

export type MemoryLimits = Required<MemoryBusOptions>;

/** The bound on values, the same for buckets and streams. */
export function checkValue(where: string, value: Uint8Array, { valueBytesMax }: MemoryLimits): void {
  if (value.length > valueBytesMax)
    throw new Error(`${where}: the value has ${value.length} bytes, the bus takes at most ${valueBytesMax}`);
}
