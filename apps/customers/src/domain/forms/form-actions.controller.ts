import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Form } from '@rapport/contracts/rapport/marketing/v1/form';
import {
  FormActionsServiceService as Methods,
  type FormActionsServiceServer,
  type RotateFormTokenRequest,
} from '@rapport/contracts/rapport/marketing/v1/form_actions_service';
import type { StatementTransaction } from '@rapport/persistence';
import { liveRecord } from '../../engine/records/missing-record.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { newLink, removeLinks } from '../links/public-links.js';
import { forms } from './forms.js';

@Controller()
@ImplementsService(Methods)
export class FormActionsController implements ServiceHandlers<FormActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  rotateFormToken(request: RotateFormTokenRequest): Promise<Form> {
    return hotWriteCall(this.em, Methods.rotateFormToken, request, (each) => rotateToken(each, request));
  }
}

async function rotateToken(transaction: StatementTransaction, { id, etag }: RotateFormTokenRequest): Promise<Form> {
  const { record, ...known } = await readForChange(transaction, forms, id);
  const before = await liveRecord(transaction, forms, id, record);
  const { token, store } = newLink('FORM', id);
  const changes = { ...before, token };
  const form = await changeRecord(transaction, forms, before, known, { changes, mask: ['token'], etag });
  transaction.later(removeLinks('FORM', id), store);
  return form;
}
