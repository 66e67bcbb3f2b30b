import { dayAt } from '@rapport/contracts/filters';
import { TaxMode, type LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import { QuoteState, type Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { minorUnits } from '@rapport/money';
import { html, publicPage, type Html, type PageLanguage, type WrittenPage } from '@rapport/platform';
import { quoteStyle } from './quote-style.js';
import { quoteTexts, type QuoteTexts } from './quote-texts.js';

/** For whom a quote is written. */
export interface QuoteReader {
  language: PageLanguage;
  /** Of the workspace. Days and times are those of it. */
  timeZone: string;
}

interface Writing extends QuoteReader {
  texts: QuoteTexts;
  quote: Quote;
}

/** What a page shows besides the quote: above it, and below it. */
export interface AroundQuote {
  above?: Html;
  below?: Html;
}

/** Writes a quote as a page, for the screen and for printing. The same quote and reader always give the same bytes. */
export function quoteDocument(quote: Quote, reader: QuoteReader, around: AroundQuote = {}): WrittenPage {
  const { language } = reader;
  const texts = quoteTexts[language];
  const writing = { texts, ...reader, quote };
  const { number, title, conditions, issuer, acceptance } = quote;
  const named = number ?? texts.draft;
  const body = html`${around.above}
    <header class="head">
      <address>${issuer}</address>
      <dl>${facts(writing)}</dl>
    </header>
    <h1><span class="kind">${texts.quote} ${named}</span> ${title}</h1>
    ${acceptance && html`<p class="accepted">${texts.accepted(acceptance.name, time(acceptance.acceptTime, reader))}</p>`}
    ${lines(writing)}
    <dl class="totals">${totals(writing)}</dl>
    ${
      conditions === undefined
        ? undefined
        : html`<section class="terms">
            <h2>${texts.terms}</h2>
            <p>${conditions}</p>
          </section>`
    }
    ${around.below}`;
  return publicPage({ language, title: `${texts.quote} ${named}`, body, style: quoteStyle });
}

function facts({ texts, language, timeZone, quote }: Writing): Html[] {
  const { revision, sendTime, validUntil } = quote;
  const rows: [string, string | undefined][] = [
    [texts.date, sendTime && day(dayAt(new Date(sendTime), timeZone), language)],
    [texts.validUntil, validUntil && day(validUntil, language)],
    [texts.revision, revision > 1 ? String(revision) : undefined],
  ];
  return rows.flatMap(([term, value]) =>
    value === undefined
      ? []
      : html`<dt>${term}</dt>
          <dd>${value}</dd>`,
  );
}

function lines({ texts, language, quote: { lineItems, currency } }: Writing): Html | undefined {
  if (lineItems.length === 0) return undefined;
  return html`<table>
    <thead>
      <tr>
        <th scope="col">${texts.position}</th>
        <th scope="col" class="figure">${texts.quantity}</th>
        <th scope="col" class="figure">${texts.unitPrice}</th>
        <th scope="col" class="figure">${texts.tax}</th>
        <th scope="col" class="figure">${texts.amount}</th>
      </tr>
    </thead>
    <tbody>
      ${lineItems.map(
        (item) =>
          html`<tr>
            <td class="what">${item.description}${discountNote(item, texts, currency, language)}</td>
            <td class="figure">${number(item.quantity, language)}</td>
            <td class="figure">${money(item.unitPrice, currency, language, 6)}</td>
            <td class="figure">${taxNote(item, texts, language)}</td>
            <td class="figure amount">${money(item.amount, currency, language)}</td>
          </tr> `,
      )}
    </tbody>
  </table>`;
}

function discountNote(
  { discount }: LineItem,
  { discount: word }: QuoteTexts,
  currency: string,
  language: PageLanguage,
) {
  if (!discount) return undefined;
  const { percent, amount } = discount;
  const size = percent === undefined ? money(amount ?? '0', currency, language) : `${number(percent, language)} %`;
  return html`<small>${word} ${size}</small>`;
}

function taxNote({ tax }: LineItem, { includesTax }: QuoteTexts, language: PageLanguage): string {
  if (!tax || tax.mode === TaxMode.NONE) return '–';
  const rate = `${number(tax.rate, language)} %`;
  return tax.mode === TaxMode.INCLUSIVE ? `${rate} ${includesTax}` : rate;
}

function totals({ texts, language, quote: { totals: sums, currency } }: Writing): Html[] {
  if (!sums) return [];
  const hasDiscount = /[1-9]/.test(sums.discount);
  const rows: [string, string][] = [
    ...(hasDiscount
      ? ([
          [texts.subtotal, sums.subtotal],
          [texts.discount, lessenedBy(sums.discount)],
        ] as [string, string][])
      : []),
    [texts.net, sums.net],
    ...sums.taxes.map(({ rate, tax }): [string, string] => [texts.taxOf(number(rate, language)), tax]),
  ];
  const written = rows.map(
    ([term, value]) =>
      html`<dt>${term}</dt>
        <dd>${money(value, currency, language)}</dd>`,
  );
  return [
    ...written,
    html`<dt class="sum">${texts.total}</dt>
      <dd class="sum">${money(sums.gross, currency, language)}</dd>`,
  ];
}

/** What a discount does to a sum. That of a credit is negative, and makes the credit less. */
function lessenedBy(discount: string): string {
  return discount.startsWith('-') ? discount.slice(1) : `-${discount}`;
}

/** Decimal text is formatted exactly: it never becomes a float. */
function money(text: string, currency: string, language: PageLanguage, places?: number): string {
  const digits = minorUnits(currency) ?? 2;
  const format = new Intl.NumberFormat(language, {
    ...{
      style: 'currency',
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: Math.max(digits, places ?? 0),
    },
  });
  return format.format(text as `${number}`);
}

function number(text: string, language: PageLanguage): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 6 }).format(text as `${number}`);
}

/** @param text of a day, which has no time zone */
function day(text: string, language: PageLanguage): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(text));
}

function time(text: string | undefined, { language, timeZone }: QuoteReader): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'long', timeZone });
  return format.format(new Date(text ?? 0));
}

/** Whether a customer has answered. */
export function isAnswered({ state }: Quote): boolean {
  return state !== QuoteState.SENT;
}
