import { format, labels, t } from '../../../app/language.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { Principal } from '../../../kit/record/names.tsx';
import { Chip, Ticks } from '../../../kit/ui.tsx';
import text from '../../../style/text.module.css';
import type { Item } from '../item.ts';
import { Panel } from '../panel.tsx';
import style from './sale.module.css';

/** Who has which share of a deal. They are changed where its other fields are. */
export function Splits({ item }: { item: Item }) {
  const splits = itemsAt(item.shown, 'splits');
  if (splits.length === 0) return null;
  const currency = textAt(item.shown, 'amount.currencyCode') || 'EUR';
  return (
    <Panel title={labels.field('Deal', 'splits')} count={String(splits.length)}>
      <ul className={style.splits}>
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
