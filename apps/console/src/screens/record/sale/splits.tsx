import { lazy, Suspense, useState } from 'react';
import { format, labels, t } from '../../../app/language.ts';
import { theContract } from '../../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { Principal } from '../../../kit/record/names.tsx';
import { Chip, text, Ticks } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import { Panel } from '../panel.tsx';

const SplitEditor = lazy(async () => ({ default: (await import('./split-editor.tsx')).SplitEditor }));

/** Who has which share of a deal. Nothing for a record that is not divided. */
export function Splits({ item }: { item: Item }) {
  const [isEditing, setIsEditing] = useState(false);
  const { shown, resource, asOf, isDeleted, may } = item;
  const splits = itemsAt(shown, 'splits');
  const canEdit = may(resource.update) && asOf === undefined && !isDeleted;
  if (!theContract().field(resource.message, 'splits') || (splits.length === 0 && !canEdit)) return null;
  const title = labels.field('Deal', 'splits');
  if (isEditing && canEdit) {
    return (
      <Panel title={title}>
        <Suspense fallback={null}>
          <SplitEditor item={item} onEnd={() => setIsEditing(false)} />
        </Suspense>
      </Panel>
    );
  }
  const currency = textAt(shown, 'amount.currencyCode') || 'EUR';
  const edit = canEdit ? () => setIsEditing(true) : undefined;
  const open = splits.length > 0 ? { onEdit: edit } : { onAdd: edit };
  return (
    <Panel title={title} count={String(splits.length)} {...open}>
      <ul className={text.stack}>
        {splits.map((split) => (
          <Split key={textAt(split, 'ownerId') + textAt(split, 'kind')} split={split} currency={currency} />
        ))}
      </ul>
    </Panel>
  );
}

function Split({ split, currency }: { split: Json; currency: string }) {
  const share = Number(textAt(split, 'share'));
  const amount = textAt(split, 'amount');
  return (
    <li>
      <span className={text.row}>
        <span className={text.grow}>
          <Principal name={textAt(split, 'ownerId')} />
        </span>
        {textAt(split, 'kind') === 'OVERLAY' && <Chip>{labels.value('SplitKind', 'OVERLAY')}</Chip>}
        {amount !== '' && <span className={text.number}>{format.money({ currencyCode: currency, amount })}</span>}
      </span>
      <span className={text.row}>
        <Ticks
          label={t('lines.share', { share: format.percent(share / 100) })}
          value={share / 100}
          count={50}
          height={6}
        />
        <span className={text.meta}>{format.percent(share / 100)}</span>
      </span>
    </li>
  );
}
