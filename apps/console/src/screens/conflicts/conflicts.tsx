import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ProblemNote } from '../../app/boundaries.tsx';
import { useTitles } from '../../kit/record/names.tsx';
import { find, format, labels, t } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { call, invalidate, readQuery, useItems } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { Nothing } from '../../kit/nothing.tsx';
import { Split, SplitFoot, SplitLine } from '../../kit/split.tsx';
import { notify } from '../../kit/notices.ts';
import { Button, Chip, Face, icons, text, Ticks, type ButtonProps, type IconType } from '../../kit/ui.tsx';
import { theContract } from '../../contract/contract.ts';
import { Compare } from '../../kit/record/compare.tsx';
import { plainText } from '../../kit/record/value.tsx';
import style from './conflicts.module.css';

/** Records that both sides of a connection changed, and the other questions of the exchange, with their answers. */
export function Conflicts() {
  const { items } = useItems('syncConflicts');
  const conflicts = items.filter((each) => textAt(each, 'choice') === '');
  const titles = useTitles(
    'customers',
    conflicts.map((each) => textAt(each, 'customerId')),
  );
  const names = (conflict: Json) => titles.get(textAt(conflict, 'customerId')) ?? (textAt(conflict, 'recordId') || '…');
  return (
    <>
      <Bar title={t('nav.conflicts')} beside={t('conflicts.count', { count: conflicts.length })} />
      {conflicts.length > 0 ? (
        <Split
          label={t('nav.conflicts')}
          items={conflicts}
          idOf={(each) => textAt(each, 'id')}
          nameOf={names}
          line={(each) => <ConflictLine conflict={each} name={names(each)} />}
        >
          {(open, next) =>
            open && <Conflict key={textAt(open, 'id')} conflict={open} name={names(open)} onSkip={next} />
          }
        </Split>
      ) : (
        <Nothing title={t('conflicts.none')} help={t('conflicts.noneHelp')} />
      )}
    </>
  );
}

function ConflictLine({ conflict, name }: { conflict: Json; name: string }) {
  const kind = textAt(conflict, 'kind');
  return (
    <>
      <Face name={name} size="middle" />
      <SplitLine name={name} below={labels.value('SyncConflictKind', kind)} />
      <span className={text.meta}>{format.time(textAt(conflict, 'createTime'))}</span>
    </>
  );
}

function Conflict({ conflict, name, onSkip }: { conflict: Json; name: string; onSkip: () => void }) {
  const kind = textAt(conflict, 'kind');
  const customerId = textAt(conflict, 'customerId');
  const mapping = useQuery(readQuery('getMapping', { id: textAt(conflict, 'mappingId') }));
  const connectionId = textAt(mapping.data, 'connectionId');
  const connection = useQuery(readQuery('getConnection', { id: connectionId }, connectionId !== ''));
  const peer = textAt(connection.data, 'displayName') || t('conflicts.peer');
  const resolve = useResolve(conflict);
  useShortcut('s', 'conflicts.skip', onSkip);
  return (
    <>
      <header className={style.head}>
        <Face name={name} size="big" />
        <div className={text.grow}>
          <h2 className={text.title}>
            {customerId === '' ? (
              name
            ) : (
              <Link to="/$resource/$id" params={{ resource: 'customers', id: customerId }}>
                {name}
              </Link>
            )}
          </h2>
          <p className={text.two}>{sentenceOf(conflict)}</p>
        </div>
        <Chip tone="warn" icon={kindIcons[kind]}>
          {labels.value('SyncConflictKind', kind)}
        </Chip>
      </header>
      {itemsAt(conflict, 'fields').length > 0 && <Sides fields={itemsAt(conflict, 'fields')} peer={peer} />}
      {itemsAt(conflict, 'candidates').length > 0 && (
        <Candidates
          candidates={itemsAt(conflict, 'candidates')}
          onLink={(id) => resolve.mutate({ choice: 'LINK', customerId: id })}
        />
      )}
      <ProblemNote error={resolve.error} />
      <SplitFoot>
        <span className={text.grow}>{t('conflicts.both')}</span>
        <Button kind="bare" shortcut="S" onPress={onSkip}>
          {t('conflicts.skip')}
        </Button>
        {choicesOf(conflict).map(({ choice, icon }, index) => (
          <ChoiceButton
            key={choice}
            number={index + 1}
            icon={icon}
            onPress={() => resolve.mutate({ choice })}
            isPending={resolve.isPending}
          >
            {t(`conflicts.choice.${choice}`, { peer })}
          </ChoiceButton>
        ))}
      </SplitFoot>
    </>
  );
}

/** What happened: the fields that both sides changed by their names, the sentence of the kind, or what the server says. */
function sentenceOf(conflict: Json): string {
  const fields = itemsAt(conflict, 'fields').map((field) => labels.field('Customer', textAt(field, 'customerField')));
  const kind = textAt(conflict, 'kind');
  if (kind !== 'FIELDS' || fields.length === 0) return find(`error.conflict.${kind}`) ?? textAt(conflict, 'message');
  return t('conflicts.changed', { fields: fields.join(t('conflicts.comma')) });
}

function ChoiceButton({ number, ...rest }: ButtonProps & { number: number; onPress: () => void }) {
  useShortcut(String(number), 'conflicts.choose', rest.onPress, rest.isPending !== true);
  return <Button {...rest} kind={number === 1 ? 'primary' : 'plain'} shortcut={String(number)} />;
}

function useResolve(conflict: Json) {
  return useMutation({
    mutationFn: (body: { choice: string; customerId?: string }) =>
      call('resolveSyncConflict', { id: textAt(conflict, 'id') }, { body }),
    onSuccess: async () => {
      notify(t('conflicts.chosen'));
      await invalidate('syncConflicts');
    },
  });
}

/** Customers that a record of the other side may be, most likely first. */
function Candidates({ candidates, onLink }: { candidates: readonly Json[]; onLink: (customerId: string) => void }) {
  const names = useTitles(
    'customers',
    candidates.map((each) => textAt(each, 'customerId')),
  );
  return (
    <ul className={style.candidates} aria-label={t('conflicts.candidates')}>
      {candidates.map((each) => {
        const id = textAt(each, 'customerId');
        const name = names.get(id) ?? textAt(each, 'recordId');
        const score = Number(each.score);
        const reasons = Array.isArray(each.reasons) ? each.reasons.map(String) : [];
        return (
          <li key={`${id} ${textAt(each, 'recordId')}`}>
            <Face name={name} size="middle" />
            <span className={text.grow}>
              {name}
              <span className={text.row}>
                {reasons.map((reason) => (
                  <Chip key={reason}>{t(`conflicts.reason.${reason}`)}</Chip>
                ))}
                {each.linked === true && <Chip tone="info">{t('conflicts.linked')}</Chip>}
              </span>
            </span>
            <Ticks label={t('duplicates.score', { score })} value={score / 100} />
            {id !== '' && (
              <Button icon={icons.Link2} onPress={() => onLink(id)}>
                {t('conflicts.choice.LINK')}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** The fields that both sides changed, next to each other with what differs underlined. */
function Sides({ fields, peer }: { fields: readonly Json[]; peer: string }) {
  const rows = fields.map((field) => {
    const name = textAt(field, 'customerField');
    return {
      id: name,
      name: labels.field('Customer', name),
      left: shownJson(name, textAt(field, 'customerValue')),
      right: shownJson(name, textAt(field, 'peerValue')),
    };
  });
  return (
    <Compare
      label={t('nav.conflicts')}
      fieldHead={t('compare.field')}
      leftHead="Rapport"
      rightHead={peer}
      rows={rows}
    />
  );
}

/** A value that the conflict has as JSON; masked text is none. */
function shownJson(name: string, json: string): string {
  if (json === '' || json === 'null' || json === '***') return json === '***' ? json : '';
  const value: unknown = JSON.parse(json);
  const field = theContract().field('Customer', name) ?? { name, type: 'text' as const };
  const values = Array.isArray(value) ? value : [value];
  return values.map((each: unknown) => plainText(field, each)).join(', ');
}

export interface Choice {
  /** A value of SyncChoice. */
  choice: string;
  icon: IconType;
}

const kindIcons: Readonly<Record<string, IconType>> = {
  FIELDS: icons.Split,
  DELETED: icons.Trash,
  VALUE_TAKEN: icons.Copy,
  REJECTED: icons.ShieldX,
  LOOP: icons.Repeat,
  PAIRING: icons.Link2,
};

/** The choices of one side: both sides of the exchange then have its values. */
const sides: readonly Choice[] = [
  { choice: 'CUSTOMER', icon: icons.RefreshCw },
  { choice: 'PEER', icon: icons.RefreshCw },
];

/** The choices that resolve a conflict, as the comments of SyncConflictKind list them. A candidate is linked beside it. */
function choicesOf(conflict: Json): readonly Choice[] {
  switch (textAt(conflict, 'kind')) {
    case 'FIELDS':
    case 'DELETED':
    case 'LOOP':
      return sides;
    case 'VALUE_TAKEN':
      return [
        { choice: 'RETRY', icon: icons.Undo2 },
        ...(textAt(conflict, 'customerId') === '' ? [{ choice: 'LINK', icon: icons.Merge }] : []),
      ];
    case 'PAIRING':
      return [
        { choice: 'SEPARATE', icon: icons.Split },
        { choice: 'IGNORE', icon: icons.ShieldX },
      ];
    default:
      return [{ choice: 'RETRY', icon: icons.Undo2 }];
  }
}
