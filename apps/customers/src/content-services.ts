import type { ServiceDefinition } from '@grpc/grpc-js';
import type { Type } from '@nestjs/common';
import { ArticleActionsServiceService } from '@rapport/contracts/rapport/content/v1/article_actions_service';
import { ArticleSectionsServiceService } from '@rapport/contracts/rapport/content/v1/article_sections_service';
import { ArticlesServiceService } from '@rapport/contracts/rapport/content/v1/articles_service';
import { FilesServiceService } from '@rapport/contracts/rapport/content/v1/files_service';
import { MailIntakeServiceService } from '@rapport/contracts/rapport/content/v1/mail_intake_service';
import {
  MailAddressesServiceService,
  MailOutboxServiceService,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { MessageActionsServiceService } from '@rapport/contracts/rapport/content/v1/message_actions_service';
import { MessagesServiceService } from '@rapport/contracts/rapport/content/v1/messages_service';
import { TemplateActionsServiceService } from '@rapport/contracts/rapport/content/v1/template_actions_service';
import { TemplatesServiceService } from '@rapport/contracts/rapport/content/v1/templates_service';
import { ArticleActionsController } from './domain/articles/article-actions.controller.js';
import { ArticleSectionsController } from './domain/articles/article-sections.js';
import { ArticlesController } from './domain/articles/articles.js';
import { FilesController } from './domain/files/files.controller.js';
import { MailIntakeController } from './domain/mail-intake/mail-intake.controller.js';
import { MessageActionsController } from './domain/mail-intake/message-actions.controller.js';
import { MailAddressesController, MailOutboxController } from './domain/messages/mail-outbox.controller.js';
import { MessagesController } from './domain/messages/messages.js';
import { TemplateActionsController } from './domain/templates/template-actions.controller.js';
import { TemplatesController } from './domain/templates/templates.js';

/** The services of files, messages and templates. */
export const contentServices: readonly ServiceDefinition[] = [
  FilesServiceService,
  MessagesServiceService,
  MessageActionsServiceService,
  MailIntakeServiceService,
  MailOutboxServiceService,
  MailAddressesServiceService,
  TemplatesServiceService,
  TemplateActionsServiceService,
  ArticlesServiceService,
  ArticleSectionsServiceService,
  ArticleActionsServiceService,
];

/** Their controllers, whose handlers all respect record owners. */
export const contentControllers: readonly Type[] = [
  FilesController,
  MessagesController,
  MessageActionsController,
  MailIntakeController,
  MailOutboxController,
  MailAddressesController,
  TemplatesController,
  TemplateActionsController,
  ArticlesController,
  ArticleSectionsController,
  ArticleActionsController,
];
