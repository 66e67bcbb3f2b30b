import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useRef, useState } from 'react';
import { format, labels, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { download } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { sizeText } from '../../kit/file-upload.ts';
import { Check } from '../../kit/form/field.tsx';
import { saveFile } from '../../kit/notices.ts';
import { Principal, Reference, useRecord } from '../../kit/record/names.tsx';
import { Button, Chip, Icon, IconButton, icons, join, text } from '../../kit/ui.tsx';
import style from './conversation.module.css';
import { RedactDialog } from './redact-dialog.tsx';

/** Loaded with the first mail that is shown as it was written. */
const MailFrame = lazy(() => import('./mail/mail-frame.tsx'));

interface EntryProps {
  entry: Json;
  /** What the ticket is about: an entry says its own subject only where it is another one. */
  ticketSubject: string;
  isChosen?: boolean;
  /** Where entries can be chosen. */
  onChoose?: () => void;
}

/** One entry: who wrote it, when, by what, and the words without what they quote. */
export function EntryView({ entry, ticketSubject, isChosen, onChoose }: EntryProps) {
  const kind = textAt(entry, 'kind');
  if (kind === 'SYSTEM') return <SystemLine entry={entry} />;
  return (
    <li className={join(style.entry, kind === 'INTERNAL_NOTE' && style.note, isChosen && style.chosen)}>
      <header className={text.row}>
        {onChoose && (
          <Check label={t('ticket.choose')} isHiddenLabel isSelected={isChosen === true} onChange={onChoose} />
        )}
        <span className={style.author}>
          <Author entry={entry} />
        </span>
        <KindWords kind={kind} />
        <span className={text.grow} />
        <RedactButton entry={entry} />
        <time className={text.meta} title={format.exactTime(textAt(entry, 'createTime'))}>
          {format.hour(new Date(textAt(entry, 'createTime')))}
        </time>
      </header>
      <Body entry={entry} ticketSubject={ticketSubject} />
    </li>
  );
}

function RedactButton({ entry }: { entry: Json }) {
  const may = useMay();
  const [isOpen, setIsOpen] = useState(false);
  if (textAt(entry, 'text') === '' || !may('redactTicketEntry')) return null;
  return (
    <span className={style.redact}>
      <IconButton small icon={icons.EyeOff} name={t('ticket.redact')} onPress={() => setIsOpen(true)} />
      {isOpen && <RedactDialog entry={entry} onClose={() => setIsOpen(false)} />}
    </span>
  );
}

function SystemLine({ entry }: { entry: Json }) {
  return (
    <li className={join(style.system, text.meta)}>
      <Icon of={icons.Bot} small />
      <span className={text.grow}>{textAt(entry, 'text')}</span>
      <time title={format.exactTime(textAt(entry, 'createTime'))}>
        {format.hour(new Date(textAt(entry, 'createTime')))}
      </time>
    </li>
  );
}

function Author({ entry }: { entry: Json }) {
  const [kind, author] = [textAt(entry, 'kind'), textAt(entry, 'authorId')];
  if (kind === 'CUSTOMER_MESSAGE') return <Reference resource="customers" id={textAt(entry, 'customerId')} />;
  // Who wrote it may be an API key, whose kind only this says.
  const writer = textAt(entry, 'createdBy');
  return <Principal name={author === '' || writer.endsWith(author) ? writer : author} />;
}

/** What an entry is, where it is no plain message: a note that stays inside, or what no human wrote. */
function KindWords({ kind }: { kind: string }) {
  if (kind !== 'INTERNAL_NOTE' && kind !== 'AUTO_REPLY') return null;
  return (
    <span className={join(style.kind, text.meta)}>
      <Icon of={kind === 'AUTO_REPLY' ? icons.Bot : icons.StickyNote} small />
      {labels.value('TicketEntryKind', kind)}
    </span>
  );
}

/** The words of an entry: those of its mail, where it has one, which knows what is quoted. */
function wordsOf(entry: Json, message: Json | undefined) {
  const of = (name: string) => textAt(message, name) || textAt(entry, name);
  const [whole, visible] = [of('text'), textAt(message, 'visibleText') || textAt(entry, 'text')];
  const isTrimmed = itemsAt(message, 'trimmed').length > 0 && whole !== visible;
  return { whole, visible, html: of('html'), isTrimmed };
}

function Body({ entry, ticketSubject }: Pick<EntryProps, 'entry' | 'ticketSubject'>) {
  const top = useRef<HTMLDivElement>(null);
  const [isWhole, setIsWhole] = useState(false);
  const [isOriginal, setIsOriginal] = useState(false);
  const message = useRecord('messages', textAt(entry, 'messageId'));
  const { whole, visible, html, isTrimmed } = wordsOf(entry, message);
  const subject = textAt(entry, 'subject');
  const isFramed = html !== '' && (isOriginal || visible === '');
  return (
    <div ref={top} className={style.body}>
      <Delivery message={message} />
      {subject !== '' && subject !== ticketSubject && <p className={text.strong}>{subject}</p>}
      {isFramed ? (
        <Suspense fallback={null}>
          <Original
            html={html}
            message={message}
            title={subject || t('ticket.original')}
            onSized={() => isOriginal && top.current?.scrollIntoView({ block: 'start' })}
          />
        </Suspense>
      ) : (
        <p className={style.words}>{isWhole ? whole : visible}</p>
      )}
      <Attachments message={message} />
      <footer className={style.more}>
        {isTrimmed && !isFramed && (
          <IconButton
            small
            icon={icons.Ellipsis}
            name={t(isWhole ? 'ticket.lessText' : 'ticket.wholeText')}
            onPress={() => setIsWhole(!isWhole)}
          />
        )}
        {html !== '' && visible !== '' && (
          <Button small kind="bare" onPress={() => setIsOriginal(!isOriginal)}>
            {t(isOriginal ? 'ticket.asText' : 'ticket.original')}
          </Button>
        )}
      </footer>
    </div>
  );
}

const troubles: Readonly<Record<string, 'danger' | 'warn'>> = {
  ...{ FAILED: 'danger', BOUNCED: 'danger', UNKNOWN: 'warn', QUARANTINED: 'warn', CANCELLED: 'warn' },
};

/** What a person must know of a mail: that it did not arrive, or that its sender is not proven. */
function Delivery({ message }: { message: Json | undefined }) {
  const state = textAt(message, 'state');
  const isForged = textAt(message, 'authentication.dmarc') === 'fail';
  const tone = troubles[state];
  if (!tone && !isForged) return null;
  return (
    <p className={join(text.row, text.wrap)}>
      {tone && (
        <Chip tone={tone} icon={icons.TriangleAlert}>
          {labels.value('MessageState', state)}
        </Chip>
      )}
      {tone && <span className={text.meta}>{textAt(message, 'stateReason')}</span>}
      {isForged && (
        <Chip tone="warn" icon={icons.ShieldAlert}>
          {t('ticket.unproven')}
        </Chip>
      )}
    </p>
  );
}

/** Content ids are written with brackets in some mails, and without in others. */
const idOf = (attachment: Json) => textAt(attachment, 'contentId').replace(/^<|>$/g, '');

interface OriginalProps {
  html: string;
  message: Json | undefined;
  title: string;
  onSized: () => void;
}

/** The HTML of a mail with the pictures within it. */
function Original({ html, message, title, onSized }: OriginalProps) {
  const inner = itemsAt(message, 'attachments').filter(
    (each) => idOf(each) !== '' && html.includes(`cid:${idOf(each)}`),
  );
  const { data: pictures } = useQuery({
    queryKey: ['files', 'pictures', textAt(message, 'id')],
    queryFn: async () => new Map(await Promise.all(inner.map(pictureOf))),
    enabled: inner.length > 0,
    staleTime: Infinity,
  });
  return inner.length > 0 && !pictures ? null : (
    <MailFrame html={html} title={title} onSized={onSized} {...(pictures && { pictures })} />
  );
}

async function pictureOf(attachment: Json): Promise<[string, string]> {
  const file = await download('downloadFile', { id: textAt(attachment, 'fileId') });
  const reader = new FileReader();
  const read = new Promise<string>((resolve, reject) => {
    reader.onload = () => resolve(typeof reader.result === 'string' ? reader.result : '');
    reader.onerror = () => reject(reader.error ?? new Error('The picture cannot be read.'));
  });
  reader.readAsDataURL(file);
  return [idOf(attachment), await read];
}

function Attachments({ message }: { message: Json | undefined }) {
  const files = itemsAt(message, 'attachments').filter(
    (each) => textAt(each, 'fileId') !== '' && textAt(each, 'disposition') !== 'INLINE',
  );
  if (files.length === 0) return null;
  return (
    <ul className={style.files}>
      {files.map((file) => {
        const [id, name] = [textAt(file, 'fileId'), textAt(file, 'name') || t('ticket.unnamed')];
        const isBad = textAt(file, 'scan') === 'INFECTED';
        return (
          <li key={id}>
            <Button
              small
              icon={isBad ? icons.ShieldAlert : icons.FileText}
              isDisabled={isBad}
              onPress={() => void download('downloadFile', { id }).then((blob) => saveFile(blob, name))}
            >
              <span className={text.cut}>{name}</span>
              <span className={text.two}>
                {isBad ? labels.value('AttachmentScan', 'INFECTED') : sizeText(Number(textAt(file, 'sizeBytes')))}
              </span>
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
