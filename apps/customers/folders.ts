// The folders of apps/customers/src and their allowed imports: oxlint.config.ts derives lint zones from it.

/** The content of each folder, lowest first. A file imports from its own folder and from earlier ones. */
const contents: Readonly<Record<string, string>> = {
  'engine/values': 'the contract, and values without a record: phones',
  'engine/pace': 'how bulk work leaves time for calls',
  'engine/sealing': 'keys, and personal data that they seal',
  'engine/fields': 'what a field is: terms, filters, custom fields, hidden data',
  'engine/records': 'one record: row, message, changes, unique values, owner',
  'engine/query': 'filter, order, page, count, sum, search',
  'engine/assignment': 'owners that rules choose for new records',
  'engine/write': 'create, update, upsert, batch',
  'engine/changes': 'the log of changes: feed, history, audit, erasure',
  'engine/operations': 'long work: jobs, checkpoints, issues, watching',
  'engine/files': 'bytes of files: uploads, and where they are stored',
  'engine/export': 'files out',
  'engine/import': 'files in, and their undo',
  'engine/merge': 'merge and unmerge',
  'engine/encryption': 'turning encryption on, destroying keys',
  'engine/serve': 'the standard service of any type',
  'domain/customers': 'people and companies: names, duplicates, imports',
  'domain/exchange-rates': 'values of currencies in others, and conversions',
  'domain/products': 'what is sold, and at which prices',
  'domain/pipelines': 'stages of deals, and how deals move',
  'domain/line-items': 'lines of deals and quotes, and their totals',
  'domain/deals': 'deals, and their stays in stages',
  'domain/forecasts': 'quotas, and what deals are expected to bring',
  'domain/links': 'links of public pages',
  'domain/templates': 'templates of e-mails and macros, and how they are rendered',
  'domain/quotes': 'quotes, their pages and their acceptance',
  'domain/custom-fields': 'definitions of custom fields',
  'domain/custom-objects': 'types of records that tenants define, and their records',
  'domain/associations': 'links between records of any types',
  'domain/settings': 'settings of a workspace',
  'domain/views': 'saved views of lists',
  'domain/suppressions': 'addresses that are not written to',
  'domain/consents': 'what customers have agreed to',
  'domain/files': 'files of records of any type',
  'domain/assignment': 'rules of assignment, and the log of their choices',
  'domain/calendars': 'business hours, business time and recurrence',
  'domain/leads': 'leads: their intake, and how they become deals',
  'domain/messages': 'e-mails, and those to send: their ledger and the addresses of mailboxes',
  'domain/topics': 'kinds of mail that customers subscribe to, and their pages',
  'domain/tracking': 'what happened to mails of campaigns: their links, events, verdicts and touchpoints',
  'domain/attribution': 'which part of won deals marketing has',
  'domain/campaigns': 'e-mails to segments: their recipients, and what became of them',
  'domain/segments': 'sets of customers, and how their members follow changes',
  'domain/tickets': 'requests of customers, and the work on them',
  'domain/ticket-actions': 'answering, assigning, solving and redacting tickets',
  'domain/articles': 'the knowledge base: articles, how they are found, and their pages',
  'domain/queues': 'queues of tickets, and which one a ticket enters',
  'domain/macros': 'actions on tickets that are carried out together',
  'domain/sla': 'what is promised for tickets, and the timers of that',
  'domain/privacy': 'erasure, and export of personal data',
  'domain/work': 'tasks, notes, calls, meetings and logged e-mails',
  'domain/surveys': 'what customers are asked after their tickets are solved, and their answers',
  'domain/mail-intake': 'received messages: storing, threading, and what is done with messages',
  'domain/forms': 'public forms, their pages, and what visitors have sent',
  'domain/timeline': 'what happened around a record, read from the records about it',
  'domain/timers': 'what is due for records, and when',
  'domain/notifications': 'the inbox of each user: notifications of records, preferences and digests',
  'domain/calendar-feeds': 'links to the tasks and meetings of users',
  'domain/ticket-work': 'merges, splits and macros of tickets, and reports of their times',
  'domain/workspace': 'all data of a tenant: its export, import and removal',
};

export const folders: readonly string[] = Object.keys(contents);

/** Allowed imports between folders of `domain`. */
export const domainImports: Readonly<Record<string, readonly string[]>> = {
  'domain/forecasts': ['domain/pipelines', 'domain/deals', 'domain/exchange-rates'],
  'domain/deals': ['domain/pipelines', 'domain/line-items', 'domain/exchange-rates'],
  'domain/calendar-feeds': ['domain/links', 'domain/work'],
  'domain/quotes': ['domain/deals', 'domain/pipelines', 'domain/line-items', 'domain/links'],
  'domain/consents': ['domain/suppressions'],
  'domain/privacy': [
    'domain/customers',
    'domain/associations',
    'domain/consents',
    'domain/suppressions',
    'domain/files',
    'domain/workspace',
  ],
  'domain/leads': ['domain/customers', 'domain/pipelines', 'domain/deals', 'domain/suppressions', 'domain/consents'],
  'domain/articles': ['domain/links', 'domain/tickets'],
  'domain/timeline': ['domain/associations', 'domain/files'],
  'domain/notifications': ['domain/timeline', 'domain/messages'],
  'domain/surveys': ['domain/links', 'domain/tickets', 'domain/templates', 'domain/messages', 'domain/suppressions'],
  'domain/ticket-actions': ['domain/tickets', 'domain/messages', 'domain/templates'],
  'domain/sla': ['domain/tickets'],
  'domain/queues': ['domain/tickets'],
  'domain/macros': ['domain/templates'],
  'domain/ticket-work': [
    'domain/tickets',
    'domain/ticket-actions',
    'domain/queues',
    'domain/macros',
    'domain/templates',
  ],
  'domain/workspace': ['domain/sla', 'domain/suppressions'],
  'domain/forms': [
    ...['domain/links', 'domain/leads', 'domain/mail-intake', 'domain/suppressions', 'domain/topics'],
    'domain/tracking',
  ],
  'domain/messages': ['domain/files', 'domain/suppressions'],
  'domain/topics': ['domain/consents', 'domain/links', 'domain/messages', 'domain/suppressions'],
  'domain/campaigns': [
    'domain/links',
    'domain/messages',
    'domain/segments',
    'domain/suppressions',
    'domain/templates',
    'domain/topics',
    'domain/tracking',
  ],
  'domain/tracking': ['domain/links', 'domain/topics'],
  'domain/mail-intake': [
    'domain/campaigns',
    'domain/tracking',
    'domain/files',
    'domain/leads',
    'domain/customers',
    'domain/messages',
    'domain/queues',
    'domain/suppressions',
    'domain/templates',
    'domain/tickets',
    'domain/ticket-actions',
  ],
};

/** The folders that files of a folder do not import from. */
export function forbiddenTo(folder: string): string[] {
  const place = folders.indexOf(folder);
  const beside = folder.startsWith('domain/')
    ? folders.slice(0, place).filter((each) => each.startsWith('domain/'))
    : [];
  return [...folders.slice(place + 1), ...beside].filter((each) => !domainImports[folder]?.includes(each));
}

/** The folders as `docs/architecture.md` shows them, highest first. */
export function picture(): string {
  const lines = folders.toReversed().map((folder) => {
    const imported = domainImports[folder]?.map((each) => each.replace('domain/', '')) ?? [];
    const beside = imported.length > 0 ? ` (imports ${imported.join(', ')})` : '';
    return `${folder.padEnd(22)} ${contents[folder]}${beside}`;
  });
  const border = folders.findLast((folder) => folder.startsWith('engine/'));
  return lines.map((line) => (line.startsWith(`${border} `) ? `${'─'.repeat(70)}\n${line}` : line)).join('\n');
}
