import { useEffect, useRef, useState, type DragEvent } from 'react';
import { FileTrigger } from 'react-aria-components';
import { t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { keyText, useShortcut } from '../../../app/shortcuts.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Select, TextField } from '../../../kit/form/field.tsx';
import { faultsOf, faultWithin, FormFault, type Faults } from '../../../kit/form/form-faults.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { useRecord } from '../../../kit/record/names.tsx';
import { Button, icons, join, text } from '../../../kit/ui.tsx';
import { useStatuses } from '../ticket-acts.ts';
import { AttachmentList, useAttachments } from './attachments.tsx';
import { MacroMenu, MentionMenu, TemplateMenu } from './composer-menus.tsx';
import style from './composer.module.css';
import { ccOf, useDraft, type Draft } from './draft.ts';

/** Answers the customer, or notes what only agents see. */
export function Composer({ ticket }: { ticket: Json }) {
  const may = useMay();
  const kinds = (['reply', 'note'] as const).filter((kind) => may(verbs[kind]));
  const attachments = useAttachments(ticket);
  const { draft, change, send, canSend } = useDraft(ticket, kinds, attachments);
  const canAttach = draft.kind === 'reply' && textAt(ticket, 'mailboxId') !== '' && may('createFileUpload');
  const attach = (files: readonly File[]) => {
    if (!canAttach) attachments.refuse();
    else if (!draft.isSending) attachments.add(files);
  };
  const box = useRef<HTMLFormElement>(null);
  const [asked, setAsked] = useState(0);
  const focus = () => setAsked((count) => count + 1);
  const open = (kind: Draft['kind']) => {
    change({ kind });
    focus();
  };
  useEffect(() => {
    if (asked > 0) box.current?.querySelector('textarea')?.focus();
  }, [asked]);
  useShortcut('r', 'ticket.reply', () => open('reply'), kinds.includes('reply'));
  useShortcut('n', 'ticket.note', () => open('note'), kinds.includes('note'));
  if (kinds.length === 0) return null;
  return (
    <form
      ref={box}
      className={join(style.composer, draft.kind === 'note' && style.note)}
      onDragOver={(event) => {
        if (hasFiles(event)) event.preventDefault();
      }}
      onDrop={(event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        attach([...event.dataTransfer.files]);
      }}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) send();
        if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur();
      }}
    >
      <Inputs ticket={ticket} draft={draft} kinds={kinds} faults={faultsOf(draft.error)} onChange={change} />
      <AttachmentList of={attachments} fault={faultWithin(faultsOf(draft.error), '/fileIds')} />
      <FormFault error={draft.error} names={['text', 'cc', 'fileIds']} />
      <Foot
        ticket={ticket}
        draft={draft}
        canSend={canSend}
        onChange={change}
        onFocus={focus}
        onAttach={canAttach ? attach : undefined}
      />
    </form>
  );
}

/** Words that are dragged go into the text. */
function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer.types.includes('Files');
}

const verbs = { reply: 'replyToTicket', note: 'addTicketNote' } as const;

interface InputsProps {
  ticket: Json;
  draft: Draft;
  kinds: readonly Draft['kind'][];
  faults: Faults;
  onChange: (part: Partial<Draft>) => void;
}

function Inputs({ ticket, draft, kinds, faults, onChange }: InputsProps) {
  const isNote = draft.kind === 'note';
  const [isCopying, setIsCopying] = useState(draft.cc !== undefined);
  return (
    <>
      <div className={join(text.row, text.wrap)}>
        <Segments
          small
          label={t('ticket.write')}
          value={draft.kind}
          onChange={(kind) => onChange({ kind })}
          options={kinds.map((kind) => ({
            id: kind,
            name: t(`ticket.${kind}`),
            icon: kind === 'note' ? icons.StickyNote : icons.Reply,
          }))}
        />
        <span className={join(text.meta, text.cut, text.grow)}>
          {isNote ? t('ticket.noteHelp') : <Recipient ticket={ticket} />}
        </span>
        {!isNote && !isCopying && (
          <Button small kind="bare" onPress={() => setIsCopying(true)}>
            {t('ticket.cc')}
          </Button>
        )}
      </div>
      {!isNote && isCopying && (
        <TextField
          label={t('ticket.cc')}
          value={draft.cc ?? ccOf(ticket)}
          onChange={(cc) => onChange({ cc })}
          error={faults.get('/cc') ?? faults.get('/cc/0')}
          autoFocus
        />
      )}
      <TextField
        label={t(`ticket.${draft.kind}`)}
        isHiddenLabel
        lines={3}
        isReadOnly={draft.isSending === true}
        value={draft.words}
        onChange={(words) => onChange({ words })}
        error={faults.get('/text')}
      />
    </>
  );
}

interface FootProps {
  ticket: Json;
  draft: Draft;
  canSend: boolean;
  onChange: (part: Partial<Draft>) => void;
  onFocus: () => void;
  /** Absent where files can not be attached. */
  onAttach: ((files: readonly File[]) => void) | undefined;
}

function Foot({ ticket, draft, canSend, onChange, onFocus, onAttach }: FootProps) {
  const statuses = useStatuses();
  const isNote = draft.kind === 'note';
  const add = (words: string) => {
    onChange({ words: [draft.words.trimEnd(), words].filter((each) => each !== '').join(isNote ? ' ' : '\n\n') });
    onFocus();
  };
  return (
    <div className={style.foot}>
      <MacroMenu ticket={ticket} />
      {isNote ? <MentionMenu onChoose={add} /> : <TemplateMenu ticket={ticket} onChoose={add} />}
      {onAttach && (
        <FileTrigger allowsMultiple onSelect={(files) => onAttach([...(files ?? [])])}>
          <Button small kind="bare" icon={icons.Paperclip}>
            {t('ticket.attach')}
          </Button>
        </FileTrigger>
      )}
      <span className={text.grow} />
      {!isNote && (
        <Select
          label={t('ticket.then')}
          isHiddenLabel
          value={draft.thenStatus}
          onChange={(thenStatus) => onChange({ thenStatus })}
          options={[
            { id: '', name: t('ticket.thenKeep') },
            ...statuses
              .filter(({ category }) => category !== 'NEW')
              .map(({ id, name }) => ({ id, name: t('ticket.thenStatus', { name }) })),
          ]}
        />
      )}
      <Button type="submit" kind="primary" isDisabled={!canSend} shortcut={keyText('mod+enter')}>
        {t(isNote ? 'ticket.addNote' : 'ticket.send')}
      </Button>
    </div>
  );
}

/** To whom the answer goes. */
function Recipient({ ticket }: { ticket: Json }) {
  const customer = useRecord('customers', textAt(ticket, 'customerId'));
  const [first] = Array.isArray(customer?.emails) ? (customer.emails as Json[]) : [];
  const to = textAt(first, 'address') || textAt(customer, 'displayName');
  return t('ticket.to', { to: [to, ccOf(ticket)].filter((each) => each !== '').join(', ') });
}
