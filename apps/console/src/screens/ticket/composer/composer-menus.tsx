import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import * as icons from '../../../gen/icons.ts';
import { labels, t } from '../../../app/language.ts';
import { useMay } from '../../../app/resource.ts';
import { useShortcut } from '../../../app/shortcuts.ts';
import { call } from '../../../contract/api.ts';
import { isJson, itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { wholeQuery } from '../../../contract/whole-list.ts';
import { ChoiceMenu } from '../../../kit/choice-menu.tsx';
import { Ask } from '../../../kit/form/ask.tsx';
import { ButtonMenu, MenuItem } from '../../../kit/overlay.tsx';
import { notify } from '../../../kit/notices.ts';
import { plainText } from '../../../kit/record/value.tsx';
import { Principal, RecordName, usePeople } from '../../../kit/record/names.tsx';
import { refreshTickets, useStatuses } from '../ticket-acts.ts';
import style from './composer.module.css';

/** Macros: several changes of a ticket with one key, shown before they are made. */
export function MacroMenu({ ticket }: { ticket: Json }) {
  const may = useMay();
  const [macro, setMacro] = useState<Json>();
  const isAllowed = may('listMacros') && may('applyMacro');
  const { data } = useQuery({
    ...wholeQuery('listMacros', 'macros', { orderBy: 'name' }, isAllowed),
    staleTime: 60_000,
  });
  const macros = itemsAt(data, 'macros');
  useShortcut(
    'm',
    'ticket.macro',
    () => document.querySelector<HTMLElement>('[data-macros] button')?.click(),
    macros.length > 0,
  );
  if (macros.length === 0) return null;
  return (
    <span data-macros>
      <ChoiceMenu label={labels.resource('macros')} icon={icons.Zap} shortcut="M" items={macros} onChoose={setMacro} />
      {macro && <MacroDialog ticket={ticket} macro={macro} onClose={() => setMacro(undefined)} />}
    </span>
  );
}

function MacroDialog({ ticket, macro, onClose }: { ticket: Json; macro: Json; onClose: () => void }) {
  const id = textAt(ticket, 'id');
  const apply = async () => {
    await call('applyMacro', { id }, { body: { macroId: textAt(macro, 'id') } });
    await refreshTickets();
    notify(t('ticket.macroDone', { name: textAt(macro, 'name') }));
  };
  return (
    <Ask title={textAt(macro, 'name')} acts={[{ name: t('ticket.apply'), run: apply }]} onClose={onClose} names={[]}>
      {() => (
        <ul className={style.actions}>
          {itemsAt(macro, 'actions').flatMap((action, index) =>
            Object.entries(action).map(([name, value]) => (
              <li key={`${index} ${name}`}>
                <span>{labels.field('MacroAction', name)}</span>{' '}
                <ActionValue name={name} value={isJson(value) ? value : {}} />
              </li>
            )),
          )}
        </ul>
      )}
    </Ask>
  );
}

/** What an action sets or writes. */
function ActionValue({ name, value }: { name: string; value: Json }): ReactNode {
  const statuses = useStatuses();
  if (name === 'setStatus') return statuses.find(({ id }) => id === value.status)?.name ?? textAt(value, 'status');
  if (name === 'setPriority') return labels.value('TicketPriority', textAt(value, 'priority'));
  if (name === 'setQueue') return <RecordName resource="queues" id={textAt(value, 'queueId')} />;
  if (name === 'setAssignee') return value.userId ? <Principal name={textAt(value, 'userId')} /> : t('ticket.nobody');
  const { tags } = value;
  if (Array.isArray(tags)) return plainText({ name: 'tags', type: 'text' }, tags.join(', '));
  if (value.templateId) return <RecordName resource="templates" id={textAt(value, 'templateId')} />;
  return <q className={style.words}>{textAt(value, 'text')}</q>;
}

/** Templates: their words come into the answer, where they can be changed before it is sent. */
export function TemplateMenu({ ticket, onChoose }: { ticket: Json; onChoose: (words: string) => void }) {
  const may = useMay();
  const isAllowed = may('listTemplates') && may('renderTemplate');
  const filter = 'state = PUBLISHED';
  const { data } = useQuery({
    ...wholeQuery('listTemplates', 'templates', { filter, orderBy: 'name' }, isAllowed),
    staleTime: 60_000,
  });
  const templates = itemsAt(data, 'templates');
  if (templates.length === 0) return null;
  const insert = async (template: Json) => {
    const records = [
      { type: 'tickets', id: textAt(ticket, 'id') },
      { type: 'customers', id: textAt(ticket, 'customerId') },
    ];
    const answer = await call('renderTemplate', { id: textAt(template, 'id') }, { body: { records, published: true } });
    onChoose(textAt(answer, 'text'));
  };
  return (
    <ChoiceMenu
      label={labels.resource('templates')}
      icon={icons.FileStack}
      items={templates}
      onChoose={(template) => void insert(template)}
    />
  );
}

/** Names a colleague in a note, who is notified of it. */
export function MentionMenu({ onChoose }: { onChoose: (words: string) => void }) {
  const people = [...usePeople().values()].filter(({ shape }) => shape === 'person');
  return (
    <ButtonMenu label={t('ticket.mention')} kind="bare" icon={icons.AtSign}>
      {people.map(({ id, name }) => (
        <MenuItem key={id} onAction={() => onChoose(`@${name} `)}>
          {name}
        </MenuItem>
      ))}
    </ButtonMenu>
  );
}
