import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { format, t } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { readQuery } from '../../contract/api.ts';
import { isJson, textAt } from '../../contract/json.ts';
import { useFirst } from './choices.ts';
import { CodeChoice } from './choose.tsx';
import { TextField, type Naming } from './field.tsx';
import style from './form.module.css';

interface MoneyProps extends Naming {
  value: unknown;
  /** Null clears it. */
  onChange: (value: unknown) => void;
}

/** An amount begins in the base currency of the workspace. */
export function Money({ value, onChange, ...naming }: MoneyProps) {
  const money = isJson(value) ? value : {};
  const base = useBaseCurrency();
  const set = (part: 'amount' | 'currencyCode', typed: string) => {
    const next = { amount: textAt(money, 'amount'), currencyCode: textAt(money, 'currencyCode'), [part]: typed };
    if (part === 'amount') next.currencyCode ||= base;
    onChange(next.amount === '' && (part === 'amount' || next.currencyCode === '') ? null : next);
  };
  return (
    <div className={style.money}>
      <TextField
        {...naming}
        inputMode="decimal"
        value={textAt(money, 'amount')}
        onChange={(typed) => set('amount', typed)}
      />
      <CurrencyChoice
        label={t('form.currency')}
        value={textAt(money, 'currencyCode')}
        onChange={(code) => code !== '' && set('currencyCode', code)}
      />
    </div>
  );
}

interface CurrencyChoiceProps extends Naming {
  /** An ISO 4217 code; empty for none. */
  value: string;
  onChange: (code: string) => void;
}

/** A currency by its code or its name; those that the workspace uses come first. */
export function CurrencyChoice({ value, onChange, ...naming }: CurrencyChoiceProps) {
  const base = useBaseCurrency();
  const books = useFirst('priceBooks');
  const usual = [value, base, ...books.map((book) => textAt(book, 'currencyCode'))].filter(Boolean).join(' ');
  const options = useMemo(() => {
    const codes = new Set([...usual.split(' '), ...Intl.supportedValuesOf('currency')]);
    return [...codes].filter(Boolean).map((id) => ({ id, name: format.currency(id) }));
  }, [usual]);
  return <CodeChoice {...naming} options={options} value={value} onChange={onChange} />;
}

function useBaseCurrency(): string {
  const may = useMay();
  const { data } = useQuery({ ...readQuery('getSettings', {}, may('getSettings')), staleTime: 300_000 });
  return textAt(data, 'baseCurrency');
}
