import { fileURLToPath } from 'node:url';

/** The used parts of V8's `.cpuprofile`. Times are in microseconds of the machine's steady clock. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  startTime: number;
  /** Id of the running node at each sample. */
  samples: number[];
  /** Time of each sample since the previous one, or the start. */
  timeDeltas: number[];
}

export interface ProfileShares {
  /** Busy time of the process, in milliseconds. */
  busyMs: number;
  /** Its busy share of the window. */
  busyShare: number;
  /** By self time; shares are of the busy time. */
  functions: { name: string; place: string; share: number }[];
  /** By npm package, project of this repository or part of Node. */
  packages: { name: string; share: number }[];
}

const root = new URL('../../../', import.meta.url).href;

/** Adds up the samples between two times of `steadyMs`. */
export function profileShares(profile: CpuProfile, fromMs: number, toMs: number, top: number): ProfileShares {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const [functions, packages] = [new Map<string, number>(), new Map<string, number>()];
  let [now, busy, all] = [profile.startTime, 0, 0];
  for (const [index, id] of profile.samples.entries()) {
    const delta = profile.timeDeltas[index] ?? 0;
    now += delta;
    const frame = nodes.get(id);
    if (!frame || now < fromMs * 1_000 || now > toMs * 1_000) continue;
    all += delta;
    if (frame.functionName === '(idle)') continue;
    busy += delta;
    add(functions, `${frame.functionName || '(anonymous)'}\n${placeOf(frame)}`, delta);
    add(packages, packageOf(frame), delta);
  }
  return {
    busyMs: busy / 1_000,
    busyShare: busy / all,
    functions: largest(functions, busy, top).map(({ name, share }) => {
      const [functionName = '', place = ''] = name.split('\n');
      return { name: functionName, place, share };
    }),
    packages: largest(packages, busy, top),
  };
}

function add(sums: Map<string, number>, key: string, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function largest(sums: Map<string, number>, whole: number, top: number): { name: string; share: number }[] {
  const sorted = [...sums].sort(([, one], [, other]) => other - one).slice(0, top);
  return sorted.map(([name, value]) => ({ name, share: value / whole }));
}

function placeOf({ url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return '';
  const path = url.startsWith(root) ? url.slice(root.length) : url;
  return `${path.replace(/^.*node_modules\//, '')}:${lineNumber + 1}`;
}

/** Such as `fastify`, `@grpc/grpc-js`, `apps/edge`, `node:http`; V8's own, such as the garbage collector, has no file. */
function packageOf({ url, functionName }: CpuProfile['nodes'][number]['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native code';
  if (url.startsWith('node:')) return /^node:(?:internal\/)?[^/]+/.exec(url)?.[0].replace('internal/', '') ?? url;
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  const npm = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return npm ?? /\/((?:apps|libs)\/[^/]+)\//.exec(path)?.[1] ?? path;
}
