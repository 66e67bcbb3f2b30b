import type { PageLanguage } from '@rapport/platform';

/** The words of a quote's page. */
export interface QuoteTexts {
  quote: string;
  draft: string;
  revision: string;
  date: string;
  validUntil: string;
  position: string;
  quantity: string;
  unitPrice: string;
  tax: string;
  amount: string;
  discount: string;
  subtotal: string;
  net: string;
  /** Of a rate, such as "19". */
  taxOf: (rate: string) => string;
  includesTax: string;
  total: string;
  terms: string;
  accept: string;
  acceptLead: string;
  name: string;
  nameMissing: string;
  decline: string;
  declineLead: string;
  reason: string;
  accepted: (name: string, time: string) => string;
  declined: string;
  thanks: string;
  expired: string;
  blocked: string;
  print: string;
}

const en: QuoteTexts = {
  quote: 'Quote',
  draft: 'Draft',
  revision: 'Revision',
  date: 'Date',
  validUntil: 'Valid until',
  position: 'Item',
  quantity: 'Quantity',
  unitPrice: 'Price',
  tax: 'Tax',
  amount: 'Amount',
  discount: 'Discount',
  subtotal: 'Subtotal',
  net: 'Net',
  taxOf: (rate) => `Tax ${rate} %`,
  includesTax: 'incl.',
  total: 'Total',
  terms: 'Terms',
  accept: 'Accept quote',
  acceptLead: 'By accepting, you order the items above under the terms of this quote.',
  name: 'Your full name',
  nameMissing: 'Enter your name to accept the quote.',
  decline: 'Decline quote',
  declineLead: 'Not what you need?',
  reason: 'Reason (optional)',
  accepted: (name, time) => `Accepted by ${name} on ${time}`,
  declined: 'You have declined this quote.',
  thanks: 'Thank you. We have received your answer.',
  expired: 'This quote can no longer be accepted. Ask its sender for a new one.',
  blocked: 'This quote cannot be accepted at the moment. Your answer was not recorded. Ask its sender.',
  print: 'Print this page, or save it as PDF, for your records.',
};

const zh: QuoteTexts = {
  quote: '报价单',
  draft: '草稿',
  revision: '版本',
  date: '日期',
  validUntil: '有效期至',
  position: '项目',
  quantity: '数量',
  unitPrice: '单价',
  tax: '税率',
  amount: '金额',
  discount: '折扣',
  subtotal: '小计',
  net: '未税金额',
  taxOf: (rate) => `税 ${rate}%`,
  includesTax: '含税',
  total: '合计',
  terms: '条款',
  accept: '接受报价',
  acceptLead: '接受即表示您按本报价单的条款订购以上项目。',
  name: '您的姓名',
  nameMissing: '请填写姓名后再接受报价。',
  decline: '拒绝报价',
  declineLead: '不符合您的需要?',
  reason: '原因(选填)',
  accepted: (name, time) => `${name} 已于 ${time} 接受`,
  declined: '您已拒绝此报价。',
  thanks: '谢谢,我们已收到您的答复。',
  expired: '此报价已无法接受,请向发送者索取新的报价单。',
  blocked: '此报价目前无法接受,您的答复未被记录,请联系发送者。',
  print: '您可以打印此页面,或另存为 PDF 留存。',
};

export const quoteTexts: Readonly<Record<PageLanguage, QuoteTexts>> = { en, 'zh-CN': zh };
