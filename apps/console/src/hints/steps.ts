import type { Resource } from '../contract/contract.ts';
import { textAt, type Json } from '../contract/json.ts';

interface Steps {
  /** Field that says where a record stands. */
  field: string;
  /** The operation that most people do next, by the value of the field. */
  next: Readonly<Record<string, string>>;
}

const steps: Readonly<Record<string, Steps>> = {
  approvals: { field: 'state', next: { PENDING: 'approveApproval' } },
  articles: { field: 'state', next: { DRAFT: 'publishArticle' } },
  leads: {
    field: 'status',
    next: { NEW: 'qualifyLead', WORKING: 'qualifyLead', NURTURE: 'qualifyLead', UNQUALIFIED: 'reopenLead' },
  },
  quotes: {
    field: 'state',
    next: { DRAFT: 'sendQuote', IN_APPROVAL: 'approveQuote', APPROVED: 'sendQuote', DECLINED: 'reviseQuote' },
  },
  tasks: {
    field: 'status',
    next: { OPEN: 'completeTask', IN_PROGRESS: 'completeTask', WAITING: 'completeTask' },
  },
};

/** The operation that takes a record on from where it stands, such as `qualifyLead` for a new lead; none if its state ends there. */
export function nextStepOf(resource: Resource, record: Json): string | undefined {
  const found = steps[resource.name];
  return found?.next[textAt(record, found.field)];
}
