import { queryDatabase, type SharedPlatform } from '@rapport/testing';
import { once } from './markers.ts';

interface Means {
  platform: SharedPlatform;
  tenantId: () => Promise<string>;
  customer: () => Promise<string>;
}

/** Adds an event and a touchpoint of a customer, which otherwise only mail that was sent has. */
export function trackingRecords({ platform, tenantId, customer }: Means, marker: string) {
  const add = async (table: string, values: Readonly<Record<string, string>>) => {
    const id = crypto.randomUUID();
    const names = ['tenant_id', 'id', 'customer_id', ...Object.keys(values)];
    const given = [await tenantId(), id, await customer(), ...Object.values(values)];
    await queryDatabase(
      platform.customersDatabase.superuserUrl,
      `insert into ${table} (${names.join(', ')}, time, version, create_time, update_time, created_by, updated_by)
       values (${names.map((_, index) => `$${index + 1}`).join(', ')}, now(), 1, now(), now(), 'test', 'test')`,
      given,
    );
    return id;
  };
  return {
    living: {
      messageEvents: once(() => add('message_event', { kind: 'CLICKED', link: `https://example.com/${marker}` })),
      touchpoints: once(() => add('touchpoint', { kind: 'CLICK' })),
    },
  };
}
