/** A text in a file that looks like a secret. The secret itself is not in it. */
export interface SecretFinding {
  file: string;
  /** From 1. */
  line: number;
  kind: string;
}

/** One that may stay. */
export interface AllowedSecret {
  file: string;
  kind: string;
  /** Why it gives nobody anything. */
  reason: string;
}

/**
 * The forms of secrets by which their issuers, and we, make them known. The least bits of entropy for each character, of the
 * first group when there is one, keep out samples.
 */
const forms: readonly { kind: string; form: RegExp; minimumBits?: number }[] = [
  { kind: 'Rapport API key', form: /\brpt_(?:live|test)_[0-9A-Za-z]{40,80}\b/g, minimumBits: 3 },
  { kind: 'private key', form: /-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----/g },
  { kind: 'key of AWS', form: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  { kind: 'token of GitHub', form: /\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60,90})\b/g },
  { kind: 'token of GitLab', form: /\bglpat-[0-9A-Za-z_-]{20}\b/g },
  { kind: 'token of npm', form: /\bnpm_[0-9A-Za-z]{36}\b/g },
  { kind: 'token of Slack', form: /\bxox[abeoprs]-[0-9A-Za-z-]{10,200}/g },
  { kind: 'key of Stripe', form: /\b[rs]k_live_[0-9A-Za-z]{16,100}\b/g },
  { kind: 'key of Google', form: /\bAIza[0-9A-Za-z_-]{35}\b/g },
  { kind: 'JSON Web Token', form: /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{20,2000}/g },
  { kind: '32-byte key in base64', form: /(?<![0-9A-Za-z+/=])[0-9A-Za-z+/]{43}=(?![0-9A-Za-z+/=])/g, minimumBits: 4.2 },
  { kind: 'password in a URL', form: /\b[a-z][a-z+]{2,15}:\/\/[\w-]{1,60}:([^@\s'"`${}<>/]{8,100})@/g, minimumBits: 3 },
];

/** What looks like a secret in a text, in order of the lines. */
export function findSecrets(file: string, text: string): SecretFinding[] {
  return text
    .split('\n')
    .flatMap((content, index) =>
      forms.flatMap(({ kind, form, minimumBits = 0 }) =>
        [...content.matchAll(form)]
          .filter(([whole, secret = whole]) => bitsPerCharacter(secret) >= minimumBits)
          .map(() => ({ file, line: index + 1, kind })),
      ),
    );
}

/** What is to be done: one sentence for each secret that nobody has allowed, and for each permission that is not needed. */
export function secretFaults(findings: readonly SecretFinding[], allowed: readonly AllowedSecret[]): string[] {
  const allows = (finding: SecretFinding) => (one: AllowedSecret) =>
    one.file === finding.file && one.kind === finding.kind;
  const unknown = findings.filter((finding) => !allowed.some(allows(finding)));
  const idle = allowed.filter((one) => !findings.some((finding) => allows(finding)(one)));
  return [
    ...unknown.map(
      ({ file, line, kind }) => `${file}:${line} looks like a secret: ${kind}. Take it out and revoke it.`,
    ),
    ...idle.map(({ file, kind }) => `${file} has no ${kind} any more: take it off the list of allowed secrets.`),
  ];
}

/** Shannon entropy: a random text of 64 different signs comes near 6, words are at about 3, a repeated sign is at 0. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  return [...counts.values()].reduce((bits, count) => bits - (count / text.length) * Math.log2(count / text.length), 0);
}
