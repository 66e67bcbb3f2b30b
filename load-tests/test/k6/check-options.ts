/** The k6 options in use, and the options of each executor. k6 warns about others, or exits. */
const knownOptions = ['scenarios', 'thresholds'];
const executors: Readonly<Record<string, { needs: string[]; takes: string[] }>> = {
  'constant-vus': { needs: ['vus', 'duration'], takes: [] },
  'ramping-arrival-rate': { needs: ['preAllocatedVUs', 'stages'], takes: ['startRate', 'timeUnit', 'maxVUs'] },
};
const metrics = ['checks', 'http_req_failed', 'http_req_duration', 'grpc_req_duration'];
const duration = /^(\d+h)?(\d+m)?(\d+s)?$/;
const threshold = /^(rate|avg|min|max|med|count|p\(\d+(\.\d+)?\))(<|<=|>|>=|==|!=)\d+(\.\d+)?$/;

interface Scenario {
  executor?: string;
  duration?: string;
  preAllocatedVUs?: number;
  maxVUs?: number;
  stages?: { target: number; duration: string }[];
}

/** @throws Error for options that k6 would refuse */
export function checkOptions(options: object): void {
  const { scenarios = {}, thresholds = {} } = options as {
    scenarios?: Record<string, Scenario>;
    thresholds?: Record<string, (string | { threshold: string; abortOnFail?: boolean; delayAbortEval?: string })[]>;
  };
  refuseUnknown('options', Object.keys(options), knownOptions);
  for (const [name, scenario] of Object.entries(scenarios)) checkScenario(name, scenario);
  for (const [metric, rules] of Object.entries(thresholds)) {
    const plain = /^(\w+)(\{[\w.]+:[\w.]+\})?$/.exec(metric)?.[1] ?? metric;
    refuseUnknown('a threshold of a metric', [plain], metrics);
    for (const rule of rules) {
      const text = typeof rule === 'string' ? rule : rule.threshold;
      if (!threshold.test(text)) throw new Error(`k6 has no threshold ${text}.`);
    }
  }
}

function checkScenario(name: string, scenario: Scenario): void {
  const executor = executors[scenario.executor ?? ''];
  if (!executor) throw new Error(`k6 has no executor ${scenario.executor}.`);
  const keys = Object.keys(scenario).filter((key) => key !== 'executor');
  refuseUnknown(`the scenario ${name}`, keys, [...executor.needs, ...executor.takes]);
  const missing = executor.needs.filter((key) => !keys.includes(key));
  if (missing.length > 0) throw new Error(`k6 needs ${missing.join(', ')} of the scenario ${name}.`);
  const durations = [scenario.duration, ...(scenario.stages ?? []).map((stage) => stage.duration)];
  for (const each of durations.filter((text) => text !== undefined))
    if (each === '' || !duration.test(each)) throw new Error(`k6 has no duration ${each}.`);
  const { stages = [], preAllocatedVUs = 1, maxVUs = preAllocatedVUs } = scenario;
  if (!stages.every(({ target }) => Number.isInteger(target))) throw new Error('k6 requires whole numbers as targets.');
  if (maxVUs < preAllocatedVUs) throw new Error('k6 requires maxVUs of at least preAllocatedVUs.');
}

function refuseUnknown(where: string, keys: string[], known: string[]): void {
  const unknown = keys.filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`k6 has no ${unknown.join(', ')} in ${where}.`);
}
