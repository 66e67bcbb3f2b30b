import { addressEvidence, addressFields } from './compare-addresses.js';
import { bestEvidence, countedChance, dependent, listOf, totalBits, type ChanceOf } from './compare-fields.js';
import { companyNameEvidence } from './compare-company-names.js';
import { nameEvidence } from './compare-names.js';
import {
  birthDateLevel,
  codeLevel,
  companyEmailLevel,
  companyPhoneLevel,
  emailLevel,
  wholeLevel,
} from './compare-values.js';
import {
  comparableValues,
  type ComparableIdentifier,
  type ComparableValues,
  type EmailTerm,
} from './comparable-values.js';
import type { DuplicateCandidate, DuplicateEvidence, EvidenceField, PairScore } from './duplicate-candidate.js';
import { byChance, similarColleagues } from './linkage-weights.js';
import type { ShareOf, TermFrequencies } from './term-frequencies.js';

/**
 * The probability that two candidates are the same, with the evidence for and against it. Symmetric, except for the
 * sides of the evidence. A field that either lacks is no evidence, so removing supporting evidence never raises the
 * score. A person and a company score 0.
 *
 * The model is Fellegi and Sunter's ("A Theory for Record Linkage", 1969): each comparison adds log2(m/u) bits, where m
 * is the rate of this agreement among records of the same customer, and u the rate among others. Dependent fields (the
 * parts of an address, a family or an office at one address) do not add up in full.
 */
export function scorePair(
  left: DuplicateCandidate,
  right: DuplicateCandidate,
  frequencies: TermFrequencies,
): PairScore {
  return scoreValues(comparableValues(left), comparableValues(right), frequencies);
}

/** `scorePair` for parsed candidates. */
export function scoreValues(left: ComparableValues, right: ComparableValues, frequencies: TermFrequencies): PairScore {
  if (left.kind !== right.kind) return { score: 0, evidence: [] };
  const priorOdds = frequencies.priorOdds(left.kind);
  const shareOf = frequencies.beside(left, right);
  const evidence =
    left.kind === 'COMPANY'
      ? companyEvidence(left, right, shareOf)
      : withinHousehold(personEvidence(left, right, shareOf), -Math.log2(priorOdds));
  const odds = priorOdds * 2 ** totalBits(evidence);
  return { score: odds / (1 + odds), evidence };
}

function personEvidence(left: ComparableValues, right: ComparableValues, shareOf: ShareOf): DuplicateEvidence[] {
  const [leftDates, rightDates] = [listOf(left.birthDate), listOf(right.birthDate)];
  return [
    ...identifierEvidence(left.identifiers, right.identifiers, countedChance('identifier', shareOf)),
    ...nameEvidence(left, right, shareOf),
    ...bestEvidence('birthDate', leftDates, rightDates, birthDateLevel, countedChance('birthDate', shareOf)),
    ...bestEvidence('email', left.emails, right.emails, emailLevel, emailChance(shareOf)),
    ...bestEvidence('phone', left.phones, right.phones, codeLevel, countedChance('phone', shareOf)),
    ...addressEvidence(left.addresses, right.addresses, 'PERSON', shareOf),
  ];
}

/**
 * Branches of a chain share name and domain, the companies in one building share address and reception: of such fields
 * only the strongest counts in full. The other records with the value show whether many share it.
 */
function companyEvidence(left: ComparableValues, right: ComparableValues, shareOf: ShareOf): DuplicateEvidence[] {
  const found = [
    ...identifierEvidence(left.identifiers, right.identifiers, countedChance('identifier', shareOf)),
    ...companyNameEvidence(left.companyName, right.companyName, shareOf),
    ...bestEvidence('domain', left.domains, right.domains, wholeLevel, countedChance('domain', shareOf)),
    ...bestEvidence('email', left.emails, right.emails, companyEmailLevel, companyEmailChance(shareOf)),
    ...bestEvidence('phone', left.phones, right.phones, companyPhoneLevel, countedChance('phone', shareOf)),
    ...addressEvidence(left.addresses, right.addresses, 'COMPANY', shareOf),
  ];
  return dependent(dependent(found, ofChain, true), ofBuilding, true);
}

const ofChain = ['companyName', 'domain', 'email'] as const;
const ofBuilding = ['phone', ...addressFields] as const;

/** Identifiers are comparable only within one system. Among several systems, the best match counts. */
function identifierEvidence(
  lefts: ComparableIdentifier[],
  rights: ComparableIdentifier[],
  chance: ChanceOf<ComparableIdentifier>,
): DuplicateEvidence[] {
  return lefts
    .flatMap((left) => {
      const sameSystem = rights.filter(({ system }) => system === left.system);
      return bestEvidence('identifier', [left], sameSystem, codeLevel, chance);
    })
    .toSorted((a, b) => b.weight - a.weight)
    .slice(0, 1);
}

/**
 * Colleagues share a domain, and many have "info" before the @: similarity weighs as much as the shared part is rare.
 */
function emailChance(shareOf: ShareOf): ChanceOf<EmailTerm> {
  const share = (field: 'emailDomain' | 'emailLocal', left: string, right: string) =>
    Math.max(shareOf(field, left), shareOf(field, right));
  return (level, left, right) => {
    switch (level) {
      case 'EXACT':
        return shareOf('email', left.key);
      case 'SIMILAR':
        return share('emailDomain', left.domain, right.domain) * similarColleagues + (byChance.email.SIMILAR ?? 0);
      case 'PARTIAL':
        return share('emailLocal', left.local, right.local) + (byChance.email.PARTIAL ?? 0);
      default:
        return level satisfies never;
    }
  };
}

/** For a company, any address at its domain. */
function companyEmailChance(shareOf: ShareOf): ChanceOf<EmailTerm> {
  return (level, left) => (level === 'EXACT' ? shareOf('email', left.key) : shareOf('emailDomain', left.domain));
}

const sharedAtHome: readonly EvidenceField[] = ['familyName', 'phone', ...addressFields];

/**
 * A family shares name, phone and address; an office shares phone and address. A record has about as many relatives or
 * colleagues as duplicates, so their shared values give even odds at most; a match takes further evidence.
 */
function withinHousehold(evidence: DuplicateEvidence[], evenBits: number): DuplicateEvidence[] {
  const isShared = ({ field, weight }: DuplicateEvidence) => weight > 0 && sharedAtHome.includes(field);
  const sharedBits = totalBits(evidence.filter(isShared));
  if (sharedBits <= evenBits) return evidence;
  return evidence.map((item) => (isShared(item) ? { ...item, weight: (item.weight * evenBits) / sharedBits } : item));
}
