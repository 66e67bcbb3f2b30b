import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { labels, t } from '../../../app/language.ts';
import { useSession } from '../../../app/session.ts';
import { keyText, useShortcut } from '../../../app/shortcuts.ts';
import { call, invalidate } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Select, TextField } from '../../../kit/form/field.tsx';
import { faultsOf, FormFault } from '../../../kit/form/form-faults.tsx';
import { Segments } from '../../../kit/form/segments.tsx';
import { notify } from '../../../kit/notices.ts';
import { Button, icons, text } from '../../../kit/ui.tsx';
import { QuickAdd } from '../../work/quick-add-line.tsx';
import type { Item } from '../item.ts';
import style from '../record.module.css';

const kinds = [
  { id: 'note', icon: icons.StickyNote, create: 'createNote', keys: 'n' },
  { id: 'call', icon: icons.Phone, create: 'createCall', keys: 'l' },
  { id: 'task', icon: icons.CheckCheck, create: 'createTask', keys: 't' },
] as const;

/** What new work about a record names: the record, and its customer. */
export function relatedTo({ resource, id, now }: Item): Json[] {
  const customer = textAt(now, 'customerId');
  return [{ type: resource.singular, id }, ...(customer === '' ? [] : [{ type: 'customer', id: customer }])];
}

/** Writes a note, logs a call or adds a task, about the record. */
export function Composer({ item }: { item: Item }) {
  const shown = kinds.filter(({ create }) => item.may(create));
  const [kind, setKind] = useState<(typeof kinds)[number]['id']>(shown[0]?.id ?? 'note');
  const [asked, setAsked] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const open = (id: typeof kind) => {
    setKind(id);
    setAsked((count) => count + 1);
  };
  useEffect(() => {
    if (asked > 0) box.current?.querySelector<HTMLElement>('textarea, input:not([type=radio])')?.focus();
  }, [asked]);
  useShortcut('n', 'activity.note', () => open('note'), item.may('createNote') && item.asOf === undefined);
  useShortcut('l', 'activity.call', () => open('call'), item.may('createCall'));
  useShortcut('t', 'activity.task', () => open('task'), item.may('createTask'));
  if (shown.length === 0) return null;
  return (
    <div className={style.composer} ref={box}>
      <Segments
        small
        label={t('activity.what')}
        value={kind}
        onChange={setKind}
        options={shown.map(({ id, icon }) => ({ id, icon, name: t(`activity.${id}`) }))}
      />
      {kind === 'task' ? <QuickAdd related={relatedTo(item)} keys="t" /> : <Words key={kind} item={item} kind={kind} />}
    </div>
  );
}

function Words({ item, kind }: { item: Item; kind: 'note' | 'call' }) {
  const { user } = useSession();
  const [words, setWords] = useState('');
  const [outcome, setOutcome] = useState('CONNECTED');
  const [isOpen, setIsOpen] = useState(false);
  const isCall = kind === 'call';
  const { mutate, error, isPending } = useMutation({
    mutationFn: async () => {
      const [first = '', ...rest] = words.trim().split('\n');
      const summary = rest.join('\n').trim();
      const call_ = {
        ...{ subject: first, direction: 'OUTBOUND', outcome, startTime: new Date().toISOString() },
        ...(summary !== '' && { summary }),
      };
      const body = { ...(isCall ? call_ : { body: words }), ownerId: user.id, related: relatedTo(item) };
      const made = await call(isCall ? 'createCall' : 'createNote', {}, { body });
      setWords('');
      await refresh(item);
      const remove = isCall ? 'deleteCall' : 'deleteNote';
      notify(t(`activity.added.${kind}`), () =>
        call(remove, { id: made.id }, { ifMatch: textAt(made, 'etag') }).then(() => refresh(item)),
      );
    },
  });
  const send = () => {
    if (words.trim() !== '' && !isPending) mutate();
  };
  const faults = faultsOf(error);
  const field = isCall ? 'subject' : 'body';
  return (
    <form
      className={text.stack}
      onFocus={() => setIsOpen(true)}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) send();
        if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur();
      }}
    >
      <TextField
        label={t(`activity.${kind}`)}
        isHiddenLabel
        lines={isOpen || words !== '' ? 3 : 2}
        isReadOnly={isPending}
        value={words}
        onChange={setWords}
        error={faults.get(`/${field}`)}
      />
      {(isOpen || words !== '') && (
        <span className={style.send}>
          {isCall && (
            <Select
              label={labels.field('Call', 'outcome')}
              isHiddenLabel
              value={outcome}
              onChange={setOutcome}
              options={labels.values('CallOutcome')}
            />
          )}
          <Button type="submit" kind="primary" small isPending={isPending} shortcut={keyText('mod+enter')}>
            {t(`activity.add.${kind}`)}
          </Button>
        </span>
      )}
      <FormFault error={error} names={[field]} />
    </form>
  );
}

function refresh({ resource }: Item): Promise<void> {
  return invalidate(resource.name);
}
