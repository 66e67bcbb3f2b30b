import { t } from '../../../app/language.ts';
import { storeOf } from '../../../app/store.ts';
import { call } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { notify } from '../../../kit/notices.ts';
import { usePeople } from '../../../kit/record/names.tsx';
import { refreshTickets, setField } from '../ticket-acts.ts';
import type { Attachments } from './attachments.tsx';

export interface Draft {
  kind: 'reply' | 'note';
  words: string;
  /** As they are typed; undefined leaves those of the ticket. */
  cc?: string;
  thenStatus: string;
  /** Until its answer comes it is not changed. */
  isSending?: boolean;
  error?: unknown;
}

/** What is written but not sent, by ticket: going to another ticket and back loses nothing, and sends nothing twice. */
const drafts = storeOf<ReadonlyMap<string, Draft>>(new Map());

function keep(id: string, draft: Draft): void {
  drafts.set(new Map(drafts.get()).set(id, draft));
}

/** What is being written about a ticket, kept until it is sent. */
export function useDraft(ticket: Json, kinds: readonly Draft['kind'][], attachments: Attachments) {
  const id = textAt(ticket, 'id');
  const people = usePeople();
  const draft: Draft = drafts.useValue().get(id) ?? { kind: kinds[0] ?? 'note', words: '', thenStatus: '' };
  const isComplete = draft.kind === 'note' || attachments.isComplete;
  const canSend = draft.words.trim() !== '' && isComplete && !draft.isSending;
  const send = async () => {
    const { error: _, ...sent } = draft;
    keep(id, { ...sent, isSending: true });
    try {
      if (sent.kind === 'note') {
        const mentions = [...people.values()].filter(
          ({ name, shape }) => shape === 'person' && sent.words.includes(`@${name}`),
        );
        await addNote(id, sent.words.trim(), mentions);
      } else await reply(ticket, sent, attachments.fileIds);
    } catch (error) {
      return keep(id, { ...sent, error });
    }
    if (sent.kind === 'reply') attachments.clear();
    const { cc: __, ...rest } = sent;
    keep(id, { ...rest, words: '', thenStatus: '' });
    await refreshTickets();
    return notify(t(sent.kind === 'note' ? 'ticket.noteAdded' : 'ticket.sent', { number: textAt(ticket, 'number') }));
  };
  return {
    draft,
    change: (part: Partial<Draft>) => {
      if (!draft.isSending) keep(id, { ...draft, ...part });
    },
    canSend,
    send: () => {
      if (canSend) void send();
    },
  };
}

async function addNote(id: string, words: string, mentions: readonly { id: string }[]): Promise<void> {
  await call('addTicketNote', { id }, { body: { text: words, mentions: mentions.map((each) => each.id) } });
}

async function reply(ticket: Json, { words, thenStatus, cc: typed }: Draft, fileIds: readonly string[]): Promise<void> {
  const cc = (typed ?? '').split(/[\s,;]+/).filter((each) => each !== '');
  // A reply without copies would leave those of the ticket.
  if (typed !== undefined && cc.length === 0 && ccOf(ticket) !== '') await setField(ticket, 'ccAddresses', []);
  const body = {
    ...{ text: words.trim(), fileIds },
    ...(cc.length > 0 && { cc }),
    ...(thenStatus !== '' && { thenStatus }),
  };
  await call('replyToTicket', { id: textAt(ticket, 'id') }, { body });
}

/** Who gets copies of the answers to a ticket. */
export function ccOf(ticket: Json): string {
  return Array.isArray(ticket.ccAddresses) ? ticket.ccAddresses.join(', ') : '';
}
