import { useParams, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useCollection } from '../../app/resource.ts';
import { Missing, Pending } from '../../app/boundaries.tsx';
import { format, t } from '../../app/language.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { theContract, type Resource } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Button, Chip, Face, icons, join, Ticks } from '../../kit/ui.tsx';
import { hintsOf, titleOf } from '../../hints/hints.ts';
import { isPrincipal, shapeOf, Title, titleText, useNamesake } from '../../kit/record/names.tsx';
import type { FormField } from '../../kit/form/form-field.ts';
import { nameOf } from '../../kit/form/form-field.ts';
import { Facts } from './facts.tsx';
import { Middle } from './middle.tsx';
import { hasValue, useItem, type Item } from './item.ts';
import { RecordBar, useRemoval } from './record-bar.tsx';
import { Ruler } from './history/ruler.tsx';
import style from './record.module.css';
import { Fact } from './fact.tsx';

const StagePath = lazy(async () => ({ default: (await import('./sale/stage-path.tsx')).StagePath }));
const TicketStrip = lazy(async () => ({ default: (await import('../ticket/ticket-pane.tsx')).TicketStrip }));
const Related = lazy(async () => ({ default: (await import('./related.tsx')).Related }));

/** One record, or one item of another collection. */
export function Record() {
  const collection = useCollection();
  const { id = '' } = useParams({ strict: false });
  return collection?.resource.get === undefined ? <Missing /> : <Page key={id} {...collection} id={id} />;
}

function Page({ resource, parents, id }: { resource: Resource; parents: Json; id: string }) {
  const search: Json = useSearch({ strict: false });
  const asOf = textAt(search, 'asOf');
  const item = useItem(resource, parents, id, asOf === '' ? undefined : asOf);
  return item ? <Shown item={item} from={textAt(search, 'from')} /> : <Pending />;
}

const parts = ['timeline', 'fields', 'related'] as const;

function Shown({ item, from }: { item: Item; from: string }) {
  const hasHistory = item.may(item.resource.history);
  const [part, setPart] = useState<string>(hasHistory ? 'timeline' : 'fields');
  const shownParts = hasHistory ? parts : parts.filter((each) => each !== 'timeline');
  return (
    <>
      <RecordBar item={item} from={from} />
      <div className={style.page} data-part={part}>
        <RecordHead item={item} />
        {hintsOf(item.resource).board?.pipeline !== undefined && (
          <Suspense fallback={null}>
            <StagePath item={item} />
          </Suspense>
        )}
        {item.resource.name === 'tickets' && item.asOf === undefined && !item.isDeleted && (
          <Suspense fallback={null}>
            <TicketStrip ticket={item.now} />
          </Suspense>
        )}
        {hasHistory && item.changes.length > 0 && <Ruler item={item} />}
        <div className={style.parts}>
          <Segments
            label={t('record.parts')}
            value={part}
            onChange={setPart}
            options={shownParts.map((each) => ({ id: each, name: t(`record.${each}`) }))}
          />
        </div>
        <div className={join(style.columns, !hasHistory && style.plain)}>
          <Facts item={item} />
          {hasHistory && <Middle item={item} />}
          <Suspense fallback={<section className={style.related} />}>
            <Related item={item} />
          </Suspense>
        </div>
      </div>
    </>
  );
}

/** Face, title and what one looks for first: stage, money, days, the other party, the owner. */
function RecordHead({ item }: { item: Item }) {
  const { shown, now, isDeleted, resource } = item;
  const { restore } = useRemoval(item);
  const titled = { record: titleOf(shown) === '' ? now : shown, resource };
  const namesake = useNamesake(titled);
  return (
    <div className={style.head}>
      <Face name={titleOf(namesake) || titleText(titled)} shape={shapeOf(namesake ?? shown) ?? 'company'} size="big" />
      <div className={style.naming}>
        <h1>
          <Title {...titled} />
        </h1>
        <ul className={style.keys}>
          {isDeleted && (
            <li>
              <Chip tone="danger" icon={icons.Trash}>
                {t('record.isDeleted')}
              </Chip>
            </li>
          )}
          {keyFields(item).map((field) => (
            <li key={field.name}>
              <KeyFact item={item} field={field} />
            </li>
          ))}
        </ul>
      </div>
      {isDeleted && item.may(resource.undelete) ? (
        <Button icon={icons.RotateCcw} onPress={restore}>
          {t('record.undelete')}
        </Button>
      ) : (
        textAt(now, 'updateTime') !== '' && (
          <dl className={style.figures}>
            <dt>{t('record.lastChange')}</dt>
            <dd>{format.ago(textAt(now, 'updateTime'))}</dd>
          </dl>
        )
      )}
    </div>
  );
}

function KeyFact({ item, field }: { item: Item; field: FormField }) {
  const name = nameOf(field, item.resource.message);
  const values = theContract().enumValues(field.of);
  const isOrdered = item.resource.filters.some(({ path, operators }) => path === field.name && operators.includes('<'));
  const place = values.findIndex((value) => value.name === item.shown[field.name]);
  return (
    <span className={style.key} title={name}>
      {field.type === 'enum' && isOrdered && values.length > 0 && (
        <Ticks label={name} count={values.length} value={(place + 1) / values.length} height={12} />
      )}
      <Fact field={field} record={item.shown} isShort />
    </span>
  );
}

/** In the order of what they tell: enums, money, days, other records, the owner. */
function keyFields({ fields, shown, resource }: Item): FormField[] {
  const isOrdered = (name: string) =>
    resource.filters.some(({ path, operators }) => path === name && operators.includes('<'));
  const money = fields.filter(({ of }) => of === 'Money');
  // What the server computes says no more than that of which it does.
  const given = money.filter(({ output }) => output !== true);
  const ranks = [
    fields.filter(({ name, type }) => type === 'enum' && isOrdered(name)),
    fields.filter(({ name, type, list }) => type === 'enum' && list !== true && !isOrdered(name)),
    given.length > 0 ? given : money,
    fields.filter(({ name }) => name === 'jobTitle'),
    fields.filter(({ type, personal }) => type === 'date' && personal !== true),
    fields.filter((field) => field.reference !== undefined && !isPrincipal(field)),
    fields.filter(({ name }) => ['addresses', 'domains', 'email', 'ownerId'].includes(name)),
  ];
  return ranks
    .flat()
    .filter((field) => hasValue(shown, field))
    .slice(0, 6);
}
