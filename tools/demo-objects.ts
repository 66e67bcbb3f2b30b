/**
 * Subscriptions by the display name of their company. The last number is the days from the first start to the end, negative
 * for the past.
 */
const subscriptions: readonly [company: string, name: string, plan: string, seats: number, endsInDays: number][] = [
  ['Müller & Söhne Feinmechanik GmbH', 'Machine monitoring', 'gold', 40, 300],
  ['Müller & Söhne Feinmechanik GmbH', 'Spare parts portal', 'basic', 5, 90],
  ['Boulangerie Lefèvre SARL', 'Point of sale', 'basic', 12, 150],
  ['Boulangerie Lefèvre SARL', 'Online orders', 'trial', 3, 14],
  ['Nordlys Energi A/S', 'Turbine monitoring', 'gold', 250, 420],
  ['Nordlys Energi A/S', 'Weather data', 'basic', 20, -30],
];

const options = ['trial', 'basic', 'gold'].map((value) => ({ value }));
const fields = [
  { key: 'plan', displayName: 'Plan', type: 'SELECT', options },
  { key: 'seats', displayName: 'Seats', type: 'NUMBER' },
  { key: 'end_date', displayName: 'End date', type: 'DATE' },
];

const external = (value: string) => ({ externalIds: [{ system: 'demo', value }] });

/**
 * Creates subscriptions for companies of a tenant: records of a custom object. Continues an interrupted run. Idempotent.
 *
 * @param api sends a GET, or a POST when there is a body
 */
export async function makeDemoObjects(api: (path: string, body?: object) => Promise<unknown>): Promise<void> {
  const object = { key: 'subscription', displayName: 'Subscription', displayNamePlural: 'Subscriptions' };
  await api('/v1/customObjects:upsert', { ...object, description: 'What a company pays for each month' });
  const recordType = `objects.${object.key}`;
  const { customFields } = (await api(`/v1/customFields?recordType=${recordType}`)) as {
    customFields: { key: string }[];
  };
  for (const field of fields) {
    if (!customFields.some(({ key }) => key === field.key)) await api('/v1/customFields', { ...field, recordType });
  }
  for (const [index, [company, name, plan, seats, endsInDays]] of subscriptions.entries()) {
    const end_date = new Date(Date.now() + endsInDays * 86_400_000).toISOString().slice(0, 10);
    const record = { name, customFields: { plan, seats, end_date }, ...external(`subscription-${index + 1}`) };
    const { objectRecord } = (await api(`/v1/objects/${object.key}/records:upsert?matchSystem=demo`, record)) as {
      objectRecord: { id: string };
    };
    await subscribe(api, company, `objectRecords/${objectRecord.id}`);
  }
}

async function subscribe(api: (path: string, body?: object) => Promise<unknown>, company: string, record: string) {
  const linked = (await api(`/v1/associations?record=${record}&type=subscribes_to`)) as { associations: unknown[] };
  if (linked.associations.length > 0) return;
  const filter = encodeURIComponent(`display_name = "${company}"`);
  const { customers } = (await api(`/v1/customers?filter=${filter}`)) as { customers: { id: string }[] };
  if (customers[0])
    await api('/v1/associations', { from: `customers/${customers[0].id}`, type: 'subscribes_to', to: record });
}
