import type { FieldViolation } from '@rapport/platform';
import popularPasswords from 'popular-passwords/data.json' with { type: 'json' };

/** 41,622 passwords of 8 and more characters from breaches, in lower case (ASVS 5.0, 6.2.4, 6.2.12). */
let popular: ReadonlySet<string> | undefined;

/** A word is looked for in a password from this length on. */
const minWordLength = 4;

/** What must be left of a password without the words that everybody knows of its owner. */
const minRestLength = 6;

/** What anybody may know of the one whose password it is to be. */
export interface PasswordOwner {
  email: string;
  displayName: string;
  tenantName: string;
}

/**
 * What is wrong with a password that somebody chooses and that has the length that the contract asks for. There is no rule about
 * what it is made of (ASVS 5.0, 6.2.5). It is compared as it is sent, neither trimmed nor normalised
 * (ASVS 5.0, 6.2.8).
 */
export function passwordViolation(field: string, password: string, owner: PasswordOwner): FieldViolation | undefined {
  const lowerCase = password.toLowerCase();
  popular ??= new Set(popularPasswords);
  if (popular.has(lowerCase)) {
    return { field, reason: 'PASSWORD_COMMON', description: 'is among the passwords that are guessed first.' };
  }
  const rest = wordsOf(owner).reduce((text, word) => text.replaceAll(word, ''), lowerCase);
  if (rest !== lowerCase && [...rest].length < minRestLength) {
    const description = 'is little more than your name, your e-mail address or the name of your company.';
    return { field, reason: 'PASSWORD_GUESSABLE', description };
  }
  return undefined;
}

/** Longest first, so that an address goes as a whole. */
function wordsOf({ email, displayName, tenantName }: PasswordOwner): string[] {
  const texts = [email, displayName, tenantName, 'rapport'].map((text) => text.toLowerCase());
  const words = texts.flatMap((text) => [text, text.replaceAll(/\s+/g, ''), ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)].filter((word) => word.length >= minWordLength).sort((a, b) => b.length - a.length);
}
