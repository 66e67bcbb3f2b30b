import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { expect } from 'vitest';

/** A span as the collector receives it. */
export interface ReceivedSpan {
  /** Name of the process that made it. */
  process: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  attributes: Record<string, unknown>;
}

// The parts of OTLP's JSON that are read: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
interface Attributed {
  attributes: { key: string; value: Record<string, unknown> }[];
}
interface ExportRequest {
  resourceSpans: {
    resource: Attributed;
    scopeSpans: { spans: (Omit<ReceivedSpan, 'process' | 'attributes'> & Attributed)[] }[];
  }[];
}

/** The current file of a collector. */
export class ReceivedTraces {
  readonly #file: string;
  readonly #spans: ReceivedSpan[] = [];
  #bytesRead = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** The raw text of all requests. */
  get text(): string {
    return existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : '';
  }

  get spans(): readonly ReceivedSpan[] {
    const bytes = this.#newBytes();
    // The last line may not be complete.
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    this.#bytesRead += whole.length;
    for (const line of whole.toString().split('\n')) {
      if (line !== '') this.#spans.push(...spansOf(JSON.parse(line) as ExportRequest));
    }
    return this.#spans;
  }

  /** What has been written since the last complete line that was read. */
  #newBytes(): Buffer {
    if (!existsSync(this.#file)) return Buffer.alloc(0);
    const file = openSync(this.#file, 'r');
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#bytesRead);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, this.#bytesRead));
    } finally {
      closeSync(file);
    }
  }

  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /** The spans of a trace, once the given ones have arrived: each is a process and a name. */
  async traceWith(traceId: string, ...names: string[]): Promise<ReceivedSpan[]> {
    const come = () => this.trace(traceId).map(({ process, name }) => `${process} ${name}`);
    await expect.poll(come, { timeout: 60_000 }).toEqual(expect.arrayContaining(names));
    return this.trace(traceId);
  }
}

/** A trace that a client has started. */
export function newTrace() {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, headers: { traceparent: `00-${traceId}-${spanId}-01` } };
}

function spansOf({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const process = String(attributesOf(resource)['service.name']);
    const spans = scopeSpans.flatMap((scope) => scope.spans);
    return spans.map((span) => ({ ...span, process, attributes: attributesOf(span) }));
  });
}

function attributesOf({ attributes }: Attributed): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
