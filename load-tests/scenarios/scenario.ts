import type { Operation } from '../slo.ts';

/** The behaviour of a client. `setup` runs once; its result is passed to each iteration as JSON. */
export interface Scenario {
  protocol: 'http' | 'grpc';
  /** The operations that it calls, whose objectives apply. */
  operations: Operation[];
  setup(): unknown;
  run(data: unknown): void;
}
