import { theContract, type Resource } from '../../../contract/contract.ts';

/** The operation that reads the timeline of a record, such as `listDealTimeline`. */
export function timelineOf({ singular }: Resource): string | undefined {
  const id = `list${singular.replace(/^./, (letter) => letter.toUpperCase())}Timeline`;
  return theContract().hasOperation(id) ? id : undefined;
}
