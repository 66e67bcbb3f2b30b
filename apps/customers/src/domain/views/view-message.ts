import type { View } from '@rapport/contracts/rapport/work/v1/views_service';
import { formatEtag } from '@rapport/persistence';
import type { SavedView } from './view.entity.js';

/** The mutable part of a view. */
export type ViewContent = Pick<
  SavedView,
  'name' | 'filter' | 'orderBy' | 'columns' | 'groupField' | 'layout' | 'isShared'
>;

/** A stored view as its message of the contract. */
export function viewMessage(stored: SavedView): View {
  return {
    id: stored.id,
    resource: stored.resource,
    name: stored.name,
    filter: stored.filter ?? undefined,
    orderBy: stored.orderBy ?? undefined,
    columns: stored.columns,
    group: stored.groupField ?? undefined,
    layout: stored.layout ?? undefined,
    shared: stored.isShared,
    ownerId: stored.ownerId,
    etag: formatEtag(stored.version),
    createTime: stored.createTime.toISOString(),
    updateTime: stored.updateTime.toISOString(),
  };
}

/** The content of a message, ready to store. Empty texts count as absent. */
export function viewContent({ name, filter, orderBy, columns, group, layout, shared }: View): ViewContent {
  return {
    name,
    filter: filter === '' ? null : (filter ?? null),
    orderBy: orderBy === '' ? null : (orderBy ?? null),
    columns: [...new Set(columns)],
    groupField: group ?? null,
    layout: layout ?? null,
    isShared: shared,
  };
}
