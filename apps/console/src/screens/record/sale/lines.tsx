import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { Input } from 'react-aria-components';
import { format, labels, t } from '../../../app/language.ts';
import { keyText, useShortcut } from '../../../app/shortcuts.ts';
import { call, Problem } from '../../../contract/api.ts';
import { isJson, isSame, itemsAt, textAt, valueAt, type Json } from '../../../contract/json.ts';
import { Fault, faultsOf, faultWithin, FormFault } from '../../../kit/form/form-faults.tsx';
import { ReferencePicker } from '../../../kit/form/reference.tsx';
import { Button, IconButton, icons, join, text } from '../../../kit/ui.tsx';
import type { Item } from '../item.ts';
import { useSave } from '../save.ts';
import style from './sale.module.css';

/** Fields of a line that can be written; the others are figures of the server. */
const written = ['productId', 'description', 'quantity', 'unitPrice', 'discount', 'tax'];
const emptyLine = { description: '', quantity: '1', unitPrice: '0' };

/** What is read and typed of the lines of a record. */
function useLines(item: Item) {
  const { shown, now, resource, may, asOf, isDeleted } = item;
  const [draft, setDraft] = useState<Json[]>();
  // The version that the draft began with: what others save meanwhile is not overwritten.
  const [base, setBase] = useState(now);
  const { save, isSaving, error } = useSave(item, base);
  const isDeal = resource.name === 'deals';
  const currency = textAt(shown, isDeal ? 'lineCurrency' : 'currency') || textAt(shown, 'amount.currencyCode') || 'EUR';
  const saved = itemsAt(shown, 'lineItems');
  const patch = draft && { lineItems: draft.map(inputOf), ...(isDeal && { lineCurrency: currency }) };
  const preview = usePreview(item, patch);
  const computed = patch ? preview.data : shown;
  // A quote that was sent is fixed.
  const isFixed = !['', 'DRAFT'].includes(textAt(now, 'state'));
  return {
    lines: draft ?? saved,
    isChanged: draft !== undefined,
    currency,
    nets: itemsAt(computed, 'lineItems').map((line) => textAt(line, 'net')),
    totals: valueAt(computed, isDeal ? 'lineTotals' : 'totals'),
    isComputing: preview.isFetching,
    error: preview.error ?? error,
    isSaving,
    canEdit: may(resource.update) && asOf === undefined && !isDeleted && !isFixed,
    change: (lines: Json[]) => {
      // What is on its way is not changed.
      if (isSaving) return;
      if (!draft) setBase(now);
      setDraft(isSame(lines.map(inputOf), saved.map(inputOf)) ? undefined : lines);
    },
    cancel: () => setDraft(undefined),
    save: () => patch && void save(patch).then((isSaved) => isSaved && setDraft(undefined)),
  };
}

/** The lines of a deal or quote, with totals that the server computes while they are typed. */
export function Lines({ item }: { item: Item }) {
  const { lines, isChanged, currency, nets, error, canEdit, change, cancel, save, ...rest } = useLines(item);
  const add = () => change([...lines, emptyLine]);
  const faults = faultsOf(error);
  useShortcut('mod+s', 'form.save', save, isChanged);
  return (
    <div className={style.lines}>
      {lines.length === 0 && <p className={text.two}>{t('lines.none')}</p>}
      {lines.length > 0 && (
        <table aria-label={t('lines.title')}>
          <LineHeads />
          <tbody>
            {lines.map((line, index) => (
              <Line
                key={index}
                line={line}
                place={index + 1}
                net={nets[index] ?? ''}
                currency={currency}
                fault={faultWithin(faults, `/lineItems/${index}`)}
                onChange={canEdit ? (next) => change(lines.with(index, next)) : undefined}
                onRemove={() => change(lines.toSpliced(index, 1))}
                onEnter={add}
              />
            ))}
          </tbody>
        </table>
      )}
      {canEdit && (
        <span className={style.actions}>
          <Button small icon={icons.Plus} onPress={add}>
            {t('lines.add')}
          </Button>
          <ProductPicker currency={currency} onChoose={(line) => change([...lines, line])} />
        </span>
      )}
      <Totals totals={rest.totals} currency={currency} isOld={rest.isComputing} />
      {isChanged && (
        <footer className={style.saving}>
          <FormFault error={error} names={['lineItems']} />
          <span className={text.grow} />
          <Button onPress={cancel}>{t('form.cancel')}</Button>
          <Button kind="primary" shortcut={keyText('mod+s')} isPending={rest.isSaving} onPress={save}>
            {t('form.save')}
          </Button>
        </footer>
      )}
    </div>
  );
}

function LineHeads() {
  return (
    <thead>
      <tr>
        {['description', 'quantity', 'unitPrice', 'discount', 'tax'].map((name) => (
          <th key={name} scope="col">
            {t(`lines.${name}`)}
          </th>
        ))}
        <th scope="col">{labels.field('LineItem', 'net')}</th>
        <td />
      </tr>
    </thead>
  );
}

/** What the record would be with other lines. Nothing is saved. */
function usePreview({ resource, id }: Item, patch: Json | undefined) {
  const asked = useDeferredValue(patch);
  return useQuery<Json>({
    queryKey: ['preview', resource.name, id, asked],
    queryFn: ({ signal }) => call(resource.update ?? '', { id, validateOnly: true }, { body: asked, signal }),
    enabled: asked !== undefined,
    placeholderData: keepPreviousData,
    retry: (count, error) => count < 2 && !(error instanceof Problem && error.status < 500),
    staleTime: 60_000,
  });
}

function inputOf(line: Json): Json {
  return Object.fromEntries(written.filter((name) => line[name] !== undefined).map((name) => [name, line[name]]));
}

interface LineProps {
  line: Json;
  place: number;
  net: string;
  currency: string;
  fault: string | undefined;
  onChange: ((line: Json) => void) | undefined;
  onRemove: () => void;
  onEnter: () => void;
}

function Line({ line, place, net, currency, fault, onChange, onRemove, onEnter }: LineProps) {
  const cell = (name: string, value: string, set: (value: string) => Json) => (
    <td>
      {onChange ? (
        <Input
          aria-label={`${t('lines.place', { place })}, ${t(`lines.${name}`)}`}
          value={value}
          className={style.cell}
          inputMode={name === 'description' ? 'text' : 'decimal'}
          onChange={({ target }) => onChange({ ...line, ...set(target.value) })}
          onKeyDown={({ key, nativeEvent }) => key === 'Enter' && !nativeEvent.isComposing && onEnter()}
        />
      ) : (
        value
      )}
    </td>
  );
  const tax = isJson(line.tax) ? line.tax : undefined;
  const newTax = (rate: string) => ({ mode: 'EXCLUSIVE', category: 'STANDARD', ...tax, rate });
  return (
    <>
      <tr>
        {cell('description', textAt(line, 'description'), (description) => ({ description }))}
        {cell('quantity', textAt(line, 'quantity'), (quantity) => ({ quantity }))}
        {cell('unitPrice', textAt(line, 'unitPrice'), (unitPrice) => ({ unitPrice }))}
        {cell('discount', textAt(line, 'discount.percent'), (percent) => ({
          discount: percent === '' ? undefined : { percent },
        }))}
        {cell('tax', textAt(tax, 'rate'), (rate) => ({ tax: rate === '' ? undefined : newTax(rate) }))}
        <td className={text.number}>{net === '' ? '–' : format.money({ currencyCode: currency, amount: net })}</td>
        <td>
          {onChange && <IconButton small name={t('lines.remove', { place })} icon={icons.X} onPress={onRemove} />}
        </td>
      </tr>
      {fault !== undefined && (
        <tr>
          <td colSpan={7}>
            <Fault>{fault}</Fault>
          </td>
        </tr>
      )}
    </>
  );
}

/** A product becomes a line with its name and price. */
function ProductPicker({ currency, onChoose }: { currency: string; onChoose: (line: Json) => void }) {
  const choose = async (productId: string) => {
    if (productId === '') return;
    const product = await call('getProduct', { id: productId });
    const isSameCurrency = textAt(product, 'price.currencyCode') === currency;
    const unitPrice = isSameCurrency ? textAt(product, 'price.amount') : '0';
    onChoose({ productId, description: product.name, quantity: '1', unitPrice });
  };
  return (
    <span className={style.product}>
      <ReferencePicker label={t('lines.product')} resource="products" value="" onChange={(id) => void choose(id)} />
    </span>
  );
}

function Totals({ totals, currency, isOld }: { totals: unknown; currency: string; isOld: boolean }) {
  if (!isJson(totals)) return null;
  const money = (amount: string) => format.money({ currencyCode: currency, amount });
  const discount = textAt(totals, 'discount');
  return (
    <dl className={style.totals} aria-busy={isOld}>
      {Number(discount) !== 0 && (
        <>
          <dt>{labels.field('LineTotals', 'discount')}</dt>
          <dd>{money(`-${discount}`)}</dd>
        </>
      )}
      <dt>{labels.field('LineTotals', 'net')}</dt>
      <dd>{money(textAt(totals, 'net'))}</dd>
      {itemsAt(totals, 'taxes').map((tax) => (
        <div key={textAt(tax, 'category') + textAt(tax, 'rate')}>
          <dt>
            {labels.value('TaxCategory', textAt(tax, 'category'))}, {textAt(tax, 'rate')} %
          </dt>
          <dd>{money(textAt(tax, 'tax'))}</dd>
        </div>
      ))}
      <dt className={text.strong}>{labels.field('LineTotals', 'gross')}</dt>
      <dd className={join(text.strong, style.gross)}>{money(textAt(totals, 'gross'))}</dd>
    </dl>
  );
}
