import { parse } from 'yaml';

interface ComposeService {
  image?: string;
  build?: unknown;
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test?: string[] };
  restart?: string;
  ports?: string[];
}

const digest = /@sha256:[0-9a-f]{64}$/;
/** Two numbers at least: the tag `24` moves with every release. */
const version = /:\d+\.\d[\w.-]*$/;
const secretName = /(PASSWORD|SECRET|TOKEN|KEY|DATABASE_URL|REDIS_URL)$/;

/** Finds base images that are not pinned, images that run as root, and secrets in images: a sentence for each. */
export function dockerfileFaults(text: string): string[] {
  const lines = text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .map((line) => line.trim());
  const args = new Map(
    lines.flatMap((line): [string, string][] => {
      const [, name, value] = /^ARG (\w+)=(\S+)$/.exec(line) ?? [];
      return name !== undefined && value !== undefined ? [[name, value]] : [];
    }),
  );
  const stages = new Set<string>();
  const froms = lines.flatMap((line) => {
    const [, image = '', stage = ''] = /^FROM (\S+)(?: AS (\S+))?$/.exec(line) ?? [];
    if (image === '') return [];
    const named = image.replace(/^\$\{(\w+)\}$/, (_, name: string) => args.get(name) ?? '');
    const isOwn = stages.has(named);
    if (stage !== '') stages.add(stage);
    return isOwn ? [] : [named];
  });
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const user = last.findLast((line) => line.startsWith('USER '))?.slice(5) ?? 'root';
  return [
    ...froms.filter((image) => !isFixed(image)).map((image) => `${image} is not fixed by a digest or a version`),
    ...(/^(?!0(:|$))\d+:\d+$/.test(user) ? [] : [`the image runs as ${user}, not as a user by number`]),
    ...(last.some((line) => line.startsWith('ENTRYPOINT ['))
      ? []
      : ['the image has no ENTRYPOINT that gets its signals']),
    ...lines
      .filter((line) => /^(ENV|ARG) /.test(line) && secretName.test(line.split(/[ =]/)[1] ?? ''))
      .map((line) => `${line.split('=')[0]} would be kept in the image`),
    ...(lines.some((line) => line.startsWith('ADD ')) ? ['ADD may fetch from anywhere'] : []),
  ];
}

/** The same for a compose file. */
export function composeFaults(text: string): string[] {
  const { services } = parse(text, { merge: true }) as { services: Record<string, ComposeService> };
  return Object.entries(services).flatMap(([name, service]) => [
    ...(service.build || isFixed(service.image ?? '') ? [] : [`${name}: ${service.image} is not fixed`]),
    ...(service.restart === 'no' || service.healthcheck?.test ? [] : [`${name}: has no healthcheck`]),
    ...Object.keys(service.environment ?? {})
      .filter((variable) => secretName.test(variable))
      .map((variable) => `${name}: ${variable} is a secret and must come from a file`),
    ...(service.ports ?? [])
      .filter((port) => !port.startsWith('127.0.0.1:'))
      .map((port) => `${name}: port ${port} is open to everybody`),
  ]);
}

/** Images pinned by a version only, which their publishers could move. */
export function unpinnedImages(dockerfile: string, compose: string): string[] {
  const { services } = parse(compose, { merge: true }) as { services: Record<string, ComposeService> };
  const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, image = '']) => image);
  const images = Object.values(services).flatMap(({ build, image }) => (build || !image ? [] : [image]));
  return [...bases, ...images].filter((image) => !digest.test(image));
}

function isFixed(image: string): boolean {
  return digest.test(image) || version.test(image);
}
