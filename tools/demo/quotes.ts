import type { Api } from './api.ts';
import { dayIn, idsOf } from './deals.ts';

const tax = { mode: 'EXCLUSIVE', category: 'STANDARD', rate: '19' };
const seller = {
  currency: 'EUR',
  issuer: 'Kestrel Instruments Ltd\n1 Harbour Road\nBristol BS1 5TY',
  conditions: 'Payment within 30 days of delivery.\nDelivery in eight weeks.',
};

/** A draft, and a quote that was sent. */
const demoQuotes = [
  {
    deal: 'Cold-chain sensors',
    isSent: true,
    lineItems: [
      { description: 'Cold-chain sensor CC-40', quantity: '60', unitPrice: '129.95', discount: { percent: '10' }, tax },
      { description: 'Calibration on site, per day', quantity: '2.5', unitPrice: '950', tax },
    ],
  },
  {
    deal: 'Fleet weight sensors',
    isSent: false,
    lineItems: [{ description: 'Axle weight sensor FW-8', quantity: '104', unitPrice: '299.995', tax }],
  },
];

/** Creates quotes for deals of the demo. */
export async function makeQuotes(api: Api): Promise<void> {
  const deals = await idsOf(api, 'deals', 'title');
  for (const { deal, isSent, lineItems } of demoQuotes) {
    const quote = { title: deal, dealId: deals.get(deal), validUntil: dayIn(45), ...seller, lineItems };
    const { id } = await api('POST', '/v1/quotes', quote);
    if (isSent) await api('POST', `/v1/quotes/${id}:send`);
  }
}
