import type { Call } from '@rapport/contracts/rapport/work/v1/call';
import { CallsServiceService } from '@rapport/contracts/rapport/work/v1/calls_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** Phone calls. */
export const calls = defineRecord<Call>('rapport/Call', CallsServiceService, { indexVersion: 1 });

export const CallsController = recordController(calls, CallsServiceService);
