import type { FieldViolation } from '@rapport/platform';

/** 41,622 passwords of 8 and more characters from breaches, in lower case (ASVS 5.0, 6.2.4, 6.2.12). */
let popular: ReadonlySet<string> | undefined;

/** Shortest word that counts as part of a password. */
const minWordLength = 4;

/** Minimum length of a password after the words that are known about its owner are removed. */
const minRestLength = 6;

/** What an attacker may know about the owner of a password. */
export interface PasswordOwner {
  email: string;
  displayName: string;
  tenantName: string;
}

/**
 * Checks a new password, whose length the contract has already validated. There are no rules about character classes (ASVS 5.0,
 * 6.2.5). The password is compared as sent, neither trimmed nor normalised (ASVS 5.0, 6.2.8).
 */
export async function passwordViolation(
  field: string,
  password: string,
  owner: PasswordOwner,
): Promise<FieldViolation | undefined> {
  const lowerCase = password.toLowerCase();
  if ((await popularPasswords()).has(lowerCase)) {
    return { field, reason: 'PASSWORD_COMMON', description: 'is one of the most common passwords.' };
  }
  const rest = wordsOf(owner).reduce((text, word) => text.replaceAll(word, ''), lowerCase);
  if (rest !== lowerCase && [...rest].length < minRestLength) {
    const description = 'consists mostly of your name, your e-mail address or the name of your company.';
    return { field, reason: 'PASSWORD_GUESSABLE', description };
  }
  return undefined;
}

/** Read for the first new password: reading them took a twentieth of a start. */
async function popularPasswords(): Promise<ReadonlySet<string>> {
  const { default: passwords } = await import('popular-passwords/data.json', { with: { type: 'json' } });
  return (popular ??= new Set(passwords));
}

/** Longest first, so that an e-mail address is removed as a whole. */
function wordsOf({ email, displayName, tenantName }: PasswordOwner): string[] {
  const texts = [email, displayName, tenantName, 'rapport'].map((text) => text.toLowerCase());
  const words = texts.flatMap((text) => [text, text.replaceAll(/\s+/g, ''), ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)].filter((word) => word.length >= minWordLength).sort((a, b) => b.length - a.length);
}
