import { useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useCollection } from '../../app/resource.ts';
import { Missing, Pending } from '../../app/boundaries.tsx';
import { t } from '../../app/language.ts';
import { Segments } from '../../kit/form/segments.tsx';
import type { Resource } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/api.ts';
import { join } from '../../kit/ui.tsx';
import { Facts } from './facts.tsx';
import { RecordHead } from './head.tsx';
import { History } from './history/history.tsx';
import { useItem, type Item } from './item.ts';
import { RecordBar } from './record-bar.tsx';
import { Related } from './related.tsx';
import { Ruler } from './history/ruler.tsx';
import style from './record.module.css';

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
          {hasHistory && <History item={item} />}
          <Related item={item} />
        </div>
      </div>
    </>
  );
}
