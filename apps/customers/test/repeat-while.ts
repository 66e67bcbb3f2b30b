import { AppError } from '@rapport/platform';

/** Repeats a call that is refused for a reason, as clients do. Such a refusal has no effect. */
export async function repeatWhile<Answer>(reason: string, call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== reason) throw error;
    }
  }
}
