import type { DuplicateCandidate } from '../src/domain/customers/duplicates/duplicate-candidate.js';

const nothing = { emails: [], phones: [], domains: [], addresses: [], identifiers: [] };

export function personCandidate(values: Partial<DuplicateCandidate>): DuplicateCandidate {
  return { id: 'person', kind: 'PERSON', ...nothing, ...values };
}

export function companyCandidate(displayName: string, values: Partial<DuplicateCandidate> = {}): DuplicateCandidate {
  return { id: 'company', kind: 'COMPANY', ...nothing, displayName, ...values };
}
