/**
 * The identifying data of a customer. The caller maps a customer to it; this module does not modify or store anything.
 */
export interface DuplicateCandidate {
  id: string;
  /** A person is never a duplicate of a company. */
  kind: 'PERSON' | 'COMPANY';
  displayName?: string;
  givenName?: string;
  familyName?: string;
  /** YYYY-MM-DD, or free text. */
  birthDate?: string;
  emails: string[];
  /** E.164, or free text. */
  phones: string[];
  /** Web domains of a company, such as `acme.example`. */
  domains: string[];
  addresses: CandidateAddress[];
  /** Values that identify a customer when equal, such as a tax or social security number: `system/value`. */
  identifiers: string[];
}

export interface CandidateAddress {
  street?: string;
  city?: string;
  state?: string;
  postalCode?: string;
  /** ISO 3166-1 alpha-2. */
  countryCode?: string;
}

/**
 * How well two values agree. EXACT: equal without case, accents, punctuation and legal forms. SIMILAR: one typing error
 * or a short form apart. SWAPPED: given and family name are exchanged. PARTIAL: a part agrees, such as an initial, the
 * text before the @, or all but one part of a date. DIFFERENT: none of these.
 */
export type EvidenceLevel = 'EXACT' | 'SIMILAR' | 'SWAPPED' | 'PARTIAL' | 'DIFFERENT';

/** The compared fields, in the order of the evidence. `name` is given and family name together. */
export type EvidenceField =
  | 'identifier'
  | 'name'
  | 'givenName'
  | 'familyName'
  | 'birthDate'
  | 'companyName'
  | 'domain'
  | 'email'
  | 'phone'
  | 'street'
  | 'postalCode'
  | 'city'
  | 'state'
  | 'country';

/** One comparison with a result. A field that either side lacks has no evidence. */
export interface DuplicateEvidence {
  field: EvidenceField;
  level: EvidenceLevel;
  /** Bits: +1 doubles the odds that both are the same, −1 halves them. */
  weight: number;
  /** The compared values in their original form. */
  left: string;
  right: string;
}

/** The probability that two candidates are the same, and the evidence for it. */
export interface PairScore {
  /** Probability from 0 to 1. Its odds are the prior odds times two to the power of the sum of all weights. */
  score: number;
  evidence: DuplicateEvidence[];
}

/** Two different candidates that may be the same; `leftId` is the smaller one. */
export interface DuplicatePair extends PairScore {
  leftId: string;
  rightId: string;
}
