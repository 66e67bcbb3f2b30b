import { lintSource } from '@secretlint/core';
import { creator as recommended } from '@secretlint/secretlint-rule-preset-recommend';
import type { SecretLintRuleCreator } from '@secretlint/types';

/** A text in a file that looks like a secret. The secret itself is not in it. */
export interface SecretFinding {
  file: string;
  /** From 1. */
  line: number;
  /** What secretlint calls it, such as `GITHUB_TOKEN`. */
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
 * Forms of secrets that secretlint's recommended rules do not find. The least bits of entropy for each character, of the first group
 * when there is one, keep out samples.
 */
const forms: readonly { kind: string; form: RegExp; minimumBits?: number }[] = [
  { kind: 'RAPPORT_API_KEY', form: /\brpt_(?:live|test)_[0-9A-Za-z]{40,80}\b/g, minimumBits: 3 },
  // Secretlint reports whole keys only, and no key that is cut or split.
  { kind: 'PRIVATE_KEY_HEADER', form: /-----BEGIN (?:[A-Z]{1,20} ){0,3}PRIVATE KEY-----/g },
  { kind: 'AWS_ACCESS_KEY_ID', form: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g },
  { kind: 'GOOGLE_API_KEY', form: /\bAIza[0-9A-Za-z_-]{35}\b/g },
  { kind: 'JSON_WEB_TOKEN', form: /\beyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{20,2000}/g },
  {
    kind: 'KEY_OF_32_BYTES',
    form: /(?<![0-9A-Za-z+/=])[0-9A-Za-z+/]{43}=(?![0-9A-Za-z+/=])/g,
    minimumBits: 4.2,
  },
  { kind: 'PASSWORD_IN_URL', form: /\b[a-z][a-z+]{2,15}:\/\/[\w-]{1,60}:([^@\s'"`${}<>/]{8,100})@/g, minimumBits: 3 },
];

const ownRule: SecretLintRuleCreator = {
  messages: Object.fromEntries(forms.map(({ kind }) => [kind, { en: () => kind }])),
  meta: { id: 'rapport', type: 'scanner', recommended: true, supportedContentTypes: ['all'] },
  create(context) {
    const translate = context.createTranslator(ownRule.messages);
    return {
      file({ content }) {
        for (const { kind, form, minimumBits = 0 } of forms)
          for (const match of content.matchAll(form)) {
            if (bitsPerCharacter(match[1] ?? match[0]) < minimumBits) continue;
            context.report({ message: translate(kind), range: [match.index, match.index + match[0].length] });
          }
      },
    };
  },
};

const config = {
  rules: [
    { id: '@secretlint/secretlint-rule-preset-recommend', rule: recommended },
    { id: ownRule.meta.id, rule: ownRule },
  ],
};

/** What looks like a secret in a text, in order of the lines. */
export async function findSecrets(file: string, text: string): Promise<SecretFinding[]> {
  const { messages } = await lintSource({
    source: { filePath: file, content: text, contentType: 'text', ext: '' },
    options: { config, noPhysicFilePath: true },
  });
  return messages.map(({ loc, messageId }) => ({ file, line: loc.start.line, kind: messageId }));
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
