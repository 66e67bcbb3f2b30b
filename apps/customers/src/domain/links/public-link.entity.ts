import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const LinkSchema = defineEntity({
  name: 'PublicLink',
  tableName: 'public_link',
  ...tenantIsolation,
  policies: [
    ...tenantIsolation.policies,
    {
      name: 'by_token',
      command: 'select' as const,
      using: `token_hash = nullif(current_setting('app.link_hash', true), '')`,
    },
  ],
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    kind: p.text(),
    recordId: p.uuid(),
    /** SHA-256 of the token, in base64url. */
    tokenHash: p.text(),
    createTime: p.datetime(3),
    createdBy: p.text(),
  },
  indexes: [
    { name: 'public_link_by_token', properties: ['tokenHash'] },
    { name: 'public_link_of_record', properties: ['tenantId', 'recordId'] },
  ],
});

/** A link of a public page. */
export class PublicLink extends LinkSchema.class {}
LinkSchema.setClass(PublicLink);
