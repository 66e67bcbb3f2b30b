import type { ServiceDefinition } from '@grpc/grpc-js';
import { Controller, Module } from '@nestjs/common';
import { ImplementsService } from '@rapport/contracts';
import { AppError } from '@rapport/platform';

type Message = Record<string, unknown>;

/** The requests of ReceiveSample. */
export const received: Message[] = [];
/** Resolves with a function that answers a pending call of the service. */
export const waiting = Promise.withResolvers<() => void>();

/** The service of `sample_service.proto`. */
export function sampleModule(definition: ServiceDefinition) {
  const none = { colour: 0, places: [], changedFields: [], etag: '"1"', title: '' };

  @Controller()
  @ImplementsService(definition)
  class SampleController {
    async getSample({ id }: { id: string }): Promise<Message> {
      if (id === 'crash') throw new Error('secret');
      if (id === 'slow') await new Promise<void>(waiting.resolve);
      throw new AppError('NOT_FOUND', 'SAMPLE_NOT_FOUND', 'No such sample.');
    }

    async listSamples(request: Message): Promise<Message> {
      const title = `${String(request['pageSize'])} ${String(request['colours'])} ${String(request['hot'])}`;
      return { samples: [{ ...none, id: 's1', title, hot: request['hot'] }] };
    }

    async createSample({ sample }: { sample: Message }): Promise<Message> {
      return { ...none, ...sample, id: 's1', etag: '"1"' };
    }

    async updateSample({ id, sample, updateMask, etag }: Message): Promise<Message> {
      return { ...none, ...(sample as Message), id, etag, changedFields: updateMask };
    }

    async weighSample({ id }: { id: string }): Promise<Message> {
      return { ...none, id };
    }

    async uploadSamples(requests: AsyncIterable<{ file: { contentType: string; data: Uint8Array }; title?: string }>) {
      const seen = { bytes: 0, title: '', contentType: '' };
      for await (const { file, title } of requests) {
        if (title === 'refuse') throw new AppError('ALREADY_EXISTS', 'FILE_REFUSED', 'Not this one.');
        seen.bytes += file.data.length;
        seen.title ||= title ?? '';
        seen.contentType ||= file.contentType;
      }
      return seen;
    }

    async receiveSample(request: Message): Promise<Message> {
      received.push(request);
      return {};
    }

    async forgetSample({ id }: { id: string }): Promise<Message> {
      return { ...none, id };
    }
  }

  @Module({ controllers: [SampleController] })
  class SampleModule {}
  return SampleModule;
}
