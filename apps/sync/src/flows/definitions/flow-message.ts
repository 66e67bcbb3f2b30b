import {
  FlowState,
  type Flow as FlowMessage,
  type FlowVersion as FlowVersionMessage,
} from '@rapport/contracts/rapport/flows/v1/flow';
import { formatEtag } from '@rapport/persistence';
import { readDefinition, type DefinitionJson } from './definition-json.js';
import type { Flow } from './flow.entity.js';

export function flowMessage(flow: Flow): FlowMessage {
  return {
    ...{ id: flow.id, key: flow.key, name: flow.name, state: FlowState[flow.state] },
    description: flow.description ?? undefined,
    definition: readDefinition(flow.definition),
    activeVersion: flow.activeVersion ?? undefined,
    publishedBy: flow.publishedBy ?? undefined,
    hasUnpublishedChanges: flow.checksum !== flow.activeChecksum,
    etag: formatEtag(flow.version),
    ...{ createTime: flow.createTime.toISOString(), updateTime: flow.updateTime.toISOString() },
    ...{ createdBy: flow.createdBy, updatedBy: flow.updatedBy },
  };
}

export interface VersionRow {
  flow_id: string;
  version: number;
  definition: DefinitionJson;
  checksum: string;
  published_by: string;
  publish_time: Date | string;
}

export const versionColumns = 'flow_id, version, definition, checksum, published_by, publish_time';

export function versionMessage(row: VersionRow): FlowVersionMessage {
  return {
    ...{ flowId: row.flow_id, version: row.version, definition: readDefinition(row.definition) },
    ...{ checksum: row.checksum, publishedBy: row.published_by },
    publishTime: new Date(row.publish_time).toISOString(),
  };
}
