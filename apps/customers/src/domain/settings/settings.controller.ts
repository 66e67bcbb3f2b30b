import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  SettingsServiceService as Methods,
  type Settings,
  type SettingsServiceServer,
  type UpdateSettingsRequest,
} from '@rapport/contracts/rapport/work/v1/settings_service';
import { currentCaller } from '@rapport/platform';
import { writeCall } from '../../engine/records/write-call.js';
import { WorkspaceSettings } from './settings.entity.js';
import { settingsMessage } from './settings-message.js';
import { updateSettings } from './update-settings.js';

@Controller()
@ImplementsService(Methods)
export class SettingsController implements ServiceHandlers<SettingsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async getSettings(): Promise<Settings> {
    return settingsMessage(await this.em.findOne(WorkspaceSettings, { tenantId: currentCaller().tenantId }));
  }

  updateSettings(request: UpdateSettingsRequest): Promise<Settings> {
    return writeCall(this.em, Methods.updateSettings, request, (em) => updateSettings(em, request));
  }
}
