import { labels, t } from '../../app/language.ts';
import { theContract } from '../../contract/contract.ts';
import { textAt, type Json } from '../../contract/api.ts';
import { Compare } from '../../kit/record/compare.tsx';
import { plainText } from '../../kit/record/value.tsx';

/** The fields that both sides changed, next to each other with what differs underlined. */
export function Sides({ fields, peer }: { fields: readonly Json[]; peer: string }) {
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
