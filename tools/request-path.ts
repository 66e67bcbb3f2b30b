// Lists the source files of a request: `node tools/request-path.ts` starts a platform and writes them into
// docs/architecture.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startPlatform, type Platform, type Tenant } from '@rapport/testing';

const root = join(import.meta.dirname, '..');
const document = join(root, 'docs/architecture.md');
const start = '<!-- request path: written by tools/request-path.ts -->';
const end = '<!-- end of the request path -->';

/** How often each request is sent: more often than any background work runs meanwhile. */
const requests = 100;
/** Number of calls from which on a function counts as called by every request: the last ones may not have ended yet. */
const leastCalls = requests - 5;

/** The files with a function that every request calls, without generated code. */
export interface RequestPaths {
  /** A read from the edge's memory. */
  hit: string[];
  /** A read from the service. */
  miss: { edge: string[]; customers: string[] };
}

/** The configuration of a process with an inspector. */
export function inspectedAt(port: number): Record<string, string> {
  return { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` };
}

/**
 * Sends cached and uncached reads to a platform whose processes count their function calls.
 *
 * @param inspectorPorts of its edge and of customers
 */
export async function traceRequestPaths(platform: Platform, inspectorPorts: readonly number[]): Promise<RequestPaths> {
  const counters: CallCounter[] = [];
  try {
    const tenant = await platform.createTenant('Paths');
    const ids = await createCustomers(platform, tenant);
    for (const port of inspectorPorts) counters.push(await CallCounter.connect(port));
    const [first = '', ...others] = ids;
    const read = async (id: string) => cacheStatusOf(platform, tenant, id);
    // The import's entries in the change log invalidate the answer until all of them have arrived.
    await untilCached(() => read(first));
    const trace = async (kind: string, each: readonly string[]): Promise<RequestPaths['miss']> => {
      for (const counter of counters) await counter.take();
      for (const id of each) {
        const status = await read(id);
        if (!status.startsWith(kind)) throw new Error(`A read was not "${kind}": ${status}`);
      }
      const [edge = [], customers = []] = await Promise.all(counters.map(async (each) => filesOf(await each.take())));
      return { edge, customers };
    };
    const same = Array.from({ length: requests }, () => first);
    const hit = await trace('rapport; hit', same);
    if (hit.customers.length > 0) throw new Error('The service was asked for a cached read.');
    return { hit: hit.edge, miss: await trace('rapport; fwd=uri-miss', others) };
  } finally {
    for (const counter of counters) await counter.close();
  }
}

/** The section of the document about the paths: the current and the expected text. */
export function documentedPaths(paths: RequestPaths): { now: string; wanted: string } {
  const text = readFileSync(document, 'utf8');
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < 0) throw new Error(`${document} has no place for the request path.`);
  return { now: text.slice(from, to + end.length), wanted: describe(paths) };
}

function describe({ hit, miss }: RequestPaths): string {
  const list = (files: readonly string[]) => files.map((file) => `- \`${file}\``).join('\n');
  const others = miss.edge.filter((file) => !hit.includes(file));
  const shared = miss.edge.length - others.length;
  return [
    start,
    `A cached read passes ${hit.length} files:`,
    list(hit),
    `A read that misses the cache passes ${miss.edge.length} files in the edge: ${shared} of these and`,
    list(others),
    `and ${miss.customers.length} in customers:`,
    list(miss.customers),
    end,
  ].join('\n\n');
}

async function createCustomers({ edgeUrl }: Platform, { apiKey }: Tenant): Promise<string[]> {
  const lines = Array.from({ length: requests + 1 }, (_, n) => `{"givenName":"Ada","familyName":"N${n}"}\n`);
  const headers = { authorization: `Bearer ${apiKey}` };
  const imported = await fetch(`${edgeUrl}/v1/customers:import`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-ndjson' },
    body: lines.join(''),
  });
  if (!imported.ok) throw new Error(`The import failed: ${await imported.text()}`);
  const listed = await fetch(`${edgeUrl}/v1/customers?pageSize=${requests + 1}`, { headers });
  const { customers } = (await listed.json()) as { customers: { id: string }[] };
  return customers.map(({ id }) => id);
}

async function cacheStatusOf({ edgeUrl }: Platform, { apiKey }: Tenant, id: string): Promise<string> {
  const headers = { authorization: `Bearer ${apiKey}` };
  const answer = await fetch(`${edgeUrl}/v1/customers/${id}`, { headers });
  await answer.arrayBuffer();
  return answer.headers.get('cache-status') ?? '';
}

async function untilCached(read: () => Promise<string>): Promise<void> {
  for (let attempt = 0; attempt < 10_000; attempt++) if ((await read()).startsWith('rapport; hit')) return;
  throw new Error('The read was never answered from the cache.');
}

interface ScriptCalls {
  url: string;
  functions: { ranges: { startOffset: number; count: number }[] }[];
}

/** Counts the calls of each function in a process with the inspector protocol. */
class CallCounter {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #number = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      if (id !== undefined) this.#waiting.get(id)?.(result);
    });
  }

  static async connect(port: number): Promise<CallCounter> {
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    if (!target) throw new Error(`Nothing to inspect at port ${port}.`);
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((opened, failed) => {
      socket.addEventListener('open', opened);
      socket.addEventListener('error', failed);
    });
    const counter = new CallCounter(socket);
    await counter.#ask('Profiler.enable');
    await counter.#ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    return counter;
  }

  /** The calls since the last call of this method. */
  async take(): Promise<ScriptCalls[]> {
    const { result } = (await this.#ask('Profiler.takePreciseCoverage')) as { result: ScriptCalls[] };
    return result;
  }

  /** Functions run at full speed again. */
  async close(): Promise<void> {
    await this.#ask('Profiler.stopPreciseCoverage');
    this.#socket.close();
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#number;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

/** The source files, relative to the root, of functions that were called for every request. */
function filesOf(scripts: readonly ScriptCalls[]): string[] {
  const files = scripts.flatMap(({ url, functions }) => {
    if (!url.startsWith('file:') || url.includes('/node_modules/')) return [];
    const offsets = functions
      .map(({ ranges: [whole] }) => whole)
      .filter((whole) => whole !== undefined && whole.count >= leastCalls)
      .map((whole) => whole?.startOffset ?? 0);
    return offsets.length === 0 ? [] : sourcesAt(fileURLToPath(url), offsets);
  });
  const own = files.filter((file) => !file.includes('node_modules/') && !file.includes('/src/gen/'));
  return [...new Set(own)].sort();
}

function sourcesAt(script: string, offsets: readonly number[]): string[] {
  if (!existsSync(`${script}.map`)) return [];
  const map = new SourceMap(
    JSON.parse(readFileSync(`${script}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0],
  );
  const lines = readFileSync(script, 'utf8').split('\n');
  const starts: number[] = [];
  let length = 0;
  for (const line of lines) {
    starts.push(length);
    length += line.length + 1;
  }
  return offsets.flatMap((offset) => {
    const line = starts.findLastIndex((each) => each <= offset);
    const entry = map.findEntry(line, offset - (starts[line] ?? 0));
    // The bundler's own code has no source.
    if (!('originalSource' in entry) || !entry.originalSource) return [];
    const source = relative(root, resolve(dirname(script), entry.originalSource));
    // Libraries are built before they are bundled.
    return [source.replace(/^(libs\/[^/]+)\/dist\/(.*)\.js$/, '$1/src/$2.ts')];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ports = [await freePort(), await freePort()] as const;
  const platform = await startPlatform({ edgeEnv: inspectedAt(ports[0]), customersEnv: inspectedAt(ports[1]) });
  try {
    const { now, wanted } = documentedPaths(await traceRequestPaths(platform, ports));
    writeFileSync(document, readFileSync(document, 'utf8').replace(now, wanted));
  } finally {
    await platform.stop();
  }
}
