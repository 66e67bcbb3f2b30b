import type { Operation } from '../slo.ts';

/** What a client does. Its `setup` is done once; what that answers goes, as JSON, to each iteration. */
export interface Scenario {
  protocol: 'http' | 'grpc';
  /** The operations that it asks for, whose objectives hold. */
  operations: Operation[];
  setup(): unknown;
  run(data: unknown): void;
}
