import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { TaskStatus, type Task } from '@rapport/contracts/rapport/work/v1/task';
import {
  TaskActionsServiceService as Methods,
  type CompleteTaskRequest,
  type ReopenTaskRequest,
  type SkipTaskRequest,
  type SnoozeTaskRequest,
  type TaskActionsServiceServer,
  type TaskCompletion,
} from '@rapport/contracts/rapport/work/v1/task_actions_service';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { closeTask } from './close-task.js';
import { reopenTask, snoozeTask } from './postpone-task.js';

@Controller()
@ImplementsService(Methods)
export class TaskActionsController implements ServiceHandlers<TaskActionsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  completeTask(request: CompleteTaskRequest): Promise<TaskCompletion> {
    return hotWriteCall(this.em, Methods.completeTask, request, (transaction) =>
      closeTask(transaction, request, TaskStatus.DONE),
    );
  }

  skipTask(request: SkipTaskRequest): Promise<TaskCompletion> {
    return hotWriteCall(this.em, Methods.skipTask, request, (transaction) =>
      closeTask(transaction, request, TaskStatus.CANCELLED),
    );
  }

  reopenTask(request: ReopenTaskRequest): Promise<Task> {
    return hotWriteCall(this.em, Methods.reopenTask, request, (transaction) => reopenTask(transaction, request));
  }

  snoozeTask(request: SnoozeTaskRequest): Promise<Task> {
    return hotWriteCall(this.em, Methods.snoozeTask, request, (transaction) => snoozeTask(transaction, request));
  }
}
