import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';

const SavedViewSchema = defineEntity({
  name: 'SavedView',
  tableName: 'saved_view',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    id: p.uuid().primary(),
    ownerId: p.uuid(),
    resource: p.text(),
    name: p.text(),
    /** Absent: all records. */
    filter: p.text().nullable(),
    /** Absent: the order of the list. */
    orderBy: p.text().nullable(),
    columns: p.json<string[]>(),
    groupField: p.text().nullable(),
    layout: p.text().nullable(),
    isShared: p.boolean(),
    /** Whether the filter is on personal data: the view is hidden from callers without access to it. */
    isPersonal: p.boolean(),
    version: p.integer(),
    createTime: p.datetime(3),
    updateTime: p.datetime(3),
  },
  indexes: [
    { name: 'saved_view_of_owner', properties: ['tenantId', 'ownerId', 'id'] },
    { name: 'saved_view_shared', properties: ['tenantId', 'id'], where: 'is_shared' },
  ],
});

/** A saved view of a list. */
export class SavedView extends SavedViewSchema.class {}
SavedViewSchema.setClass(SavedView);
