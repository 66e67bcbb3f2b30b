import { dayAt } from '@rapport/contracts/filters';
import { TaxMode, type LineItem } from '@rapport/contracts/rapport/sales/v1/line_item';
import type { Quote } from '@rapport/contracts/rapport/sales/v1/quote';
import { formatDecimal, fullAmount, minorUnits, parseDecimal } from '@rapport/money';
import { codeOf } from '../line-items/line-totals.js';

const namespaces = [
  'xmlns="urn:oasis:names:specification:ubl:schema:xsd:Quotation-2"',
  'xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"',
  'xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"',
].join(' ');

/**
 * Writes a quote as a Quotation of UBL 2.1, with the figures of EN 16931: Σ line amounts − Σ allowances = amount without tax, and that of
 * each tax category and rate likewise. The discount of the quote is an allowance for each category and rate. A line whose price includes
 * tax has its net amount after all discounts, as the price of all its units: its net price has no exact decimal.
 *
 * @param quote with lines
 * @param timeZone of the workspace, in which the quote has its day
 */
export function ublQuotation(quote: Quote, timeZone: string): string {
  const { currency, totals } = quote;
  if (!totals) throw new Error('A quote with lines has totals.');
  const amount = (name: string, value: string) => `<cbc:${name} currencyID="${currency}">${value}</cbc:${name}>`;
  const lines = quote.lineItems.map((line) => ubLine(line, currency));
  const taken = [...Map.groupBy(lines, ({ taxCategory }) => taxCategory)].map(([category, own]) => {
    const shares = own.map(({ allowance }) => allowance);
    return { category, value: sum(currency, shares) };
  });
  const allowances = taken.flatMap(({ category, value }) =>
    isZero(value) ? [] : allowanceCharge(amount, value, `<cac:TaxCategory>${category}</cac:TaxCategory>`),
  );
  const taxes = totals.taxes.map(({ category, rate, net, tax }) =>
    element(
      'TaxSubtotal',
      amount('TaxableAmount', net),
      amount('TaxAmount', tax),
      element('TaxCategory', taxOf(codeOf(category), rate)),
    ),
  );
  return [
    `<?xml version="1.0" encoding="UTF-8"?>\n<Quotation ${namespaces}>`,
    ...heading(quote, timeZone),
    ...allowances,
    element('TaxTotal', amount('TaxAmount', totals.tax), ...taxes),
    monetaryTotal(amount, quote, {
      extensions: lines.map(({ extension }) => extension),
      taken: taken.map(({ value }) => value),
    }),
    ...lines.map((line, index) => quotationLine(line, index + 1, amount)),
    '</Quotation>\n',
  ].join('\n');
}

/** The totals. A discount of a credit takes less than nothing: it is a charge (BR-CO-12), and in no sum of allowances (BR-CO-11). */
function monetaryTotal(
  amount: WriteAmount,
  { currency, totals }: Quote,
  { extensions, taken }: { extensions: readonly string[]; taken: readonly string[] },
): string {
  const allowances = taken.filter((value) => !value.startsWith('-'));
  const charges = taken.filter((value) => value.startsWith('-')).map(unsigned);
  return element(
    'QuotedMonetaryTotal',
    amount('LineExtensionAmount', sum(currency, extensions)),
    amount('TaxExclusiveAmount', totals?.net ?? ''),
    amount('TaxInclusiveAmount', totals?.gross ?? ''),
    amount('AllowanceTotalAmount', sum(currency, allowances)),
    ...(charges.length > 0 ? [amount('ChargeTotalAmount', sum(currency, charges))] : []),
    amount('PayableAmount', totals?.gross ?? ''),
  );
}

type WriteAmount = (name: string, value: string) => string;

/** A line in the terms of EN 16931. */
interface UblLine {
  description: string;
  quantity: string;
  /** Of the base quantity, not negative (BR-27): a credit has a negative quantity. */
  price: string;
  baseQuantity: string;
  /** What the discount of the line takes from quantity × price. */
  discount: string;
  /** BT-131 */
  extension: string;
  /** The share in the discount of the document. */
  allowance: string;
  taxCategory: string;
}

function ubLine(line: LineItem, currency: string): UblLine {
  const { description, quantity, unitPrice, amount, documentDiscount, net, tax } = line;
  const taxCategory = tax ? taxOf(codeOf(tax.category), tax.rate) : taxOf('O', '0');
  const zero = formatDecimal({ units: 0n, places: minorUnits(currency) ?? 0 });
  if (tax?.mode === TaxMode.INCLUSIVE) {
    const base = unsigned(quantity);
    const isNone = isZero(base);
    const signed = isNone || !net.startsWith('-') ? base : `-${base}`;
    const figures = { quantity: signed, price: unsigned(net), baseQuantity: isNone ? '1' : base, extension: net };
    return { description, taxCategory, ...figures, discount: zero, allowance: zero };
  }
  return {
    ...{ description, taxCategory, baseQuantity: '1', extension: amount, allowance: documentDiscount },
    quantity: unitPrice.startsWith('-') ? negated(quantity) : quantity,
    price: unsigned(unitPrice),
    discount: sum(currency, [fullAmount(currency, line), negated(amount)]),
  };
}

function quotationLine(line: UblLine, number: number, amount: WriteAmount): string {
  const { description, quantity, price, baseQuantity, discount, extension, taxCategory } = line;
  const measured = `<cbc:Quantity unitCode="C62">${quantity}</cbc:Quantity>`;
  return element(
    'QuotationLine',
    `<cbc:ID>${number}</cbc:ID>`,
    element(
      'LineItem',
      `<cbc:ID>${number}</cbc:ID>`,
      measured,
      amount('LineExtensionAmount', extension),
      ...(isZero(discount) ? [] : [allowanceCharge(amount, discount)]),
      element(
        'Price',
        amount('PriceAmount', price),
        `<cbc:BaseQuantity unitCode="C62">${baseQuantity}</cbc:BaseQuantity>`,
      ),
      element(
        'Item',
        `<cbc:Description>${escaped(description)}</cbc:Description>`,
        element('ClassifiedTaxCategory', taxCategory),
      ),
    ),
  );
}

/** A discount; a negative one is a charge. */
function allowanceCharge(amount: WriteAmount, value: string, taxCategory = ''): string {
  const isCharge = `<cbc:ChargeIndicator>${value.startsWith('-')}</cbc:ChargeIndicator>`;
  const reason = '<cbc:AllowanceChargeReason>Discount</cbc:AllowanceChargeReason>';
  return element('AllowanceCharge', isCharge, reason, amount('Amount', unsigned(value)), taxCategory);
}

function heading(quote: Quote, timeZone: string): string[] {
  const { number, id, title, sendTime, createTime = '', currency, validUntil, conditions, lineItems } = quote;
  const [name = '', ...address] = quote.issuer?.split('\n') ?? [];
  const party = element(
    'Party',
    ...(name === '' ? [] : [element('PartyName', `<cbc:Name>${escaped(name)}</cbc:Name>`)]),
    ...(address.length === 0 ? [] : [element('PostalAddress', ...address.map(addressLine))]),
  );
  const buyer = (customer: string) =>
    element('BuyerCustomerParty', element('Party', element('PartyIdentification', `<cbc:ID>${customer}</cbc:ID>`)));
  return [
    '<cbc:UBLVersionID>2.1</cbc:UBLVersionID>',
    `<cbc:ID>${escaped(number ?? id)}</cbc:ID>`,
    `<cbc:UUID>${id}</cbc:UUID>`,
    `<cbc:IssueDate>${dayAt(new Date(sendTime ?? createTime), timeZone)}</cbc:IssueDate>`,
    `<cbc:Note>${escaped(title)}</cbc:Note>`,
    `<cbc:PricingCurrencyCode>${currency}</cbc:PricingCurrencyCode>`,
    `<cbc:LineCountNumeric>${lineItems.length}</cbc:LineCountNumeric>`,
    ...(validUntil === undefined ? [] : [element('ValidityPeriod', `<cbc:EndDate>${validUntil}</cbc:EndDate>`)]),
    element('SellerSupplierParty', party),
    ...(quote.customerId === undefined ? [] : [buyer(quote.customerId)]),
    ...(conditions === undefined
      ? []
      : [element('TransactionConditions', `<cbc:Description>${escaped(conditions)}</cbc:Description>`)]),
  ];
}

function addressLine(line: string): string {
  return element('AddressLine', `<cbc:Line>${escaped(line)}</cbc:Line>`);
}

/** What is outside the scope of tax has no rate (BR-O-5). */
function taxOf(code: string, rate: string): string {
  const percent = code === 'O' ? '' : `<cbc:Percent>${rate}</cbc:Percent>`;
  return `<cbc:ID>${code}</cbc:ID>${percent}<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>`;
}

function element(name: string, ...content: string[]): string {
  return `<cac:${name}>${content.join('')}</cac:${name}>`;
}

function sum(currency: string, values: readonly string[]): string {
  const places = minorUnits(currency) ?? 0;
  const units = values.reduce((total, value) => {
    const { units: own, places: given } = parseDecimal(value, sumBounds);
    return total + own * 10n ** BigInt(places - given);
  }, 0n);
  return formatDecimal({ units, places });
}

/** Of what a line is before its discount: 9 and 12 digits, multiplied. Totals are shorter. */
const sumBounds = { integer: 24, fraction: 4 };

function isZero(text: string): boolean {
  return !/[1-9]/.test(text);
}

function unsigned(text: string): string {
  return text.replace('-', '');
}

function negated(text: string): string {
  return text.startsWith('-') ? text.slice(1) : isZero(text) ? text : `-${text}`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text of XML 1.0, which has no control characters but tabs and line breaks, not even escaped ones. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll(/[&<>]/g, (mark) => entities[mark]!);
}
