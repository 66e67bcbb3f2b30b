import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { format, labels, language, t } from '../../../app/language.ts';
import { call, download, invalidate, readQuery } from '../../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../../contract/json.ts';
import { FormFault } from '../../../kit/form/form-faults.tsx';
import { Nothing } from '../../../kit/nothing.tsx';
import { isMoney } from '../../../kit/record/value.tsx';
import { copyText } from '../../../kit/notices.ts';
import { Button, Chip, icons, join, text } from '../../../kit/ui.tsx';
import { OperationDialog } from '../../operation/operation-dialog.tsx';
import type { Item } from '../item.ts';
import style from './sale.module.css';

const tones: Readonly<Record<string, 'good' | 'info' | 'warn' | 'danger' | 'line'>> = {
  ACCEPTED: 'good',
  SENT: 'info',
  IN_APPROVAL: 'warn',
  DECLINED: 'danger',
  EXPIRED: 'warn',
  DRAFT: 'line',
};

/** The quotes of a deal: their states and totals, and the chosen one as the customer sees it. */
export function Quotes({ item }: { item: Item }) {
  const [chosen, setChosen] = useState('');
  const [isNew, setIsNew] = useState(false);
  const filter = `dealId = "${item.id}"`;
  const { data } = useQuery(readQuery('listQuotes', { filter, orderBy: 'createTime desc', pageSize: 50 }));
  const quotes = itemsAt(data, 'quotes');
  const open = quotes.find(({ id }) => id === chosen) ?? quotes[0];
  const draft = {
    dealId: item.id,
    title: item.now.title,
    currency: item.now.lineCurrency,
    lineItems: item.now.lineItems,
  };
  const create = item.may('createQuote') && !item.isDeleted && (
    <Button onPress={() => setIsNew(true)}>{t('quotes.new')}</Button>
  );
  return (
    <div className={style.quotes}>
      {data && !open && (
        <Nothing title={t('quotes.none')} help={t('quotes.noneHelp')}>
          {create}
        </Nothing>
      )}
      <ul aria-label={labels.resource('quotes')}>
        {quotes.map((quote) => (
          <li key={textAt(quote, 'id')}>
            <button
              type="button"
              aria-pressed={quote === open}
              className={join(style.quote, quote === open && style.chosen)}
              onClick={() => setChosen(textAt(quote, 'id'))}
            >
              <b>{textAt(quote, 'number') || t('quotes.draft')}</b>
              <span className={join(text.cut, text.grow, text.two)}>{textAt(quote, 'title')}</span>
              <Chip tone={tones[textAt(quote, 'state')] ?? 'quiet'}>
                {labels.value('QuoteState', textAt(quote, 'state'))}
              </Chip>
              <span className={text.number}>{isMoney(quote.total) && format.money(quote.total)}</span>
            </button>
          </li>
        ))}
      </ul>
      {open && <Preview key={textAt(open, 'id')} item={item} quote={open} beside={create} />}
      {isNew && <OperationDialog id="createQuote" parameters={{}} body={draft} onClose={() => setIsNew(false)} />}
    </div>
  );
}

function Preview({ item, quote, beside }: { item: Item; quote: Json; beside: React.ReactNode }) {
  const id = textAt(quote, 'id');
  const { data: picture, error } = useQuery({
    queryKey: ['quotes', 'picture', id, quote.etag],
    queryFn: () => pictureOf(id, itemsAt(quote, 'lineItems').length),
    staleTime: 300_000,
  });
  const {
    mutate,
    error: refusal,
    isPending,
  } = useMutation({
    mutationFn: async () => {
      const { path } = await call('sendQuote', { id });
      await copyText(`${location.origin}${String(path)}`, t('quotes.copied'));
      await invalidate('quotes');
    },
  });
  const state = textAt(quote, 'state');
  const canSend = item.may('sendQuote') && ['DRAFT', 'APPROVED', 'SENT'].includes(state);
  return (
    <>
      <div className={style.actions}>
        {canSend && (
          <Button
            kind="primary"
            icon={state === 'SENT' ? icons.Copy : icons.Send}
            isPending={isPending}
            onPress={() => mutate()}
          >
            {t(state === 'SENT' ? 'quotes.newLink' : 'quotes.send')}
          </Button>
        )}
        <Link to="/$resource/$id" params={{ resource: 'quotes', id }} className={text.link}>
          {t('quotes.open')}
        </Link>
        <span className={text.grow} />
        {beside}
      </div>
      {state === 'SENT' && canSend && <p className={text.meta}>{t('quotes.linkHelp')}</p>}
      <FormFault error={refusal ?? error} names={[]} />
      {picture && (
        <img
          src={picture}
          className={style.picture}
          alt={t('quotes.picture', { number: textAt(quote, 'number') || t('quotes.draft') })}
        />
      )}
    </>
  );
}

/** Size of the page of a quote, in CSS pixels. */
const page = { width: 860, height: 900, line: 56 };

/**
 * The page of a quote as a picture. The policy of the console takes no frames, and no styles of others; within a picture nothing runs,
 * nothing is loaded, and the styles of the page are its own.
 */
async function pictureOf(id: string, lines: number): Promise<string> {
  const html = await (await download('renderQuote', { id, language })).text();
  // The page is well-formed, so that it can be a part of another document.
  const root = html.slice(html.indexOf('<html')).replace('<html', '<html xmlns="http://www.w3.org/1999/xhtml"');
  const size = `width="${page.width}" height="${page.height + page.line * lines}"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size}><foreignObject ${size}>${root}</foreignObject></svg>`;
  return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
}
