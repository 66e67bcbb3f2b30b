import {
  InterceptingCall,
  ServerInterceptingCall,
  status,
  type Interceptor,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import {
  AppError,
  continueTrace,
  failSpan,
  runInSpan,
  SpanKind,
  startSpan,
  traceparentOf,
  type Span,
} from '@rapport/platform';
import { CallsServiceService } from '../gen/rapport/api/v1/calls_service.js';

const traceparentKey = 'traceparent';

/** Makes a span of each call that a client makes within a trace, and sends the service its `traceparent`. */
export const traceClientCall: Interceptor = (options, makeCall) => {
  // A call stream belongs to no trace: each of its calls has its own.
  if (options.method_definition.path === CallsServiceService.calls.path) return new InterceptingCall(makeCall(options));
  const span = startSpan(...callSpan(options.method_definition.path, SpanKind.CLIENT));
  const traceparent = traceparentOf(span);
  if (!span || !traceparent) return new InterceptingCall(makeCall(options));
  return new InterceptingCall(makeCall(options), {
    start: (metadata, _listener, next) => {
      metadata.set(traceparentKey, traceparent);
      next(metadata, {
        onReceiveStatus: (answer, pass) => {
          endCall(span, answer.code, answer.code !== status.OK);
          pass(answer);
        },
      });
    },
  });
};

/** Makes a span of each call that is answered and belongs to a trace. The handler runs within it. */
export const traceServerCall: ServerInterceptor = (method, call) => {
  let span: Span | undefined;
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          const traceparent = metadata.get(traceparentKey)[0]?.toString();
          span = continueTrace(...callSpan(method.path, SpanKind.SERVER), traceparent);
          runInSpan(span, () => pass(metadata));
        },
        // A unary handler is called once the request has arrived, a streaming one at once: whichever event comes last
        // starts it.
        onReceiveMessage: (message, pass) => runInSpan(span, () => pass(message)),
        onReceiveHalfClose: (pass) => runInSpan(span, pass),
        onCancel: () => span && endCall(span, status.CANCELLED, false),
      }),
    sendStatus: (answer, pass) => {
      if (span) endCall(span, answer.code, serverFaults.has(answer.code));
      pass(answer);
    },
  });
};

/** Makes a call over a stream in its own span. @param make receives the `traceparent` to send; empty without a trace */
export async function traceStreamedCall<Answer>(
  path: string,
  make: (traceparent: string) => Promise<Answer>,
): Promise<Answer> {
  const span = startSpan(...callSpan(path, SpanKind.CLIENT));
  if (!span) return make('');
  return endWith(span, make(traceparentOf(span) ?? ''), () => true);
}

/** Answers a call of a stream, in its own span if it belongs to a trace. */
export async function traceStreamedAnswer<Answer>(
  path: string,
  traceparent: string,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  const span = continueTrace(...callSpan(path, SpanKind.SERVER), traceparent);
  if (!span) return answer();
  return endWith(span, runInSpan(span, answer), (code) => serverFaults.has(code));
}

/** Ends the span of a call with its outcome. @param isFault whether a code other than OK is marked as an error */
async function endWith<Answer>(
  span: Span,
  outcome: Promise<Answer>,
  isFault: (code: number) => boolean,
): Promise<Answer> {
  try {
    const answer = await outcome;
    endCall(span, status.OK, false);
    return answer;
  } catch (error) {
    const code = error instanceof AppError ? status[error.code] : status.INTERNAL;
    endCall(span, code, isFault(code));
    throw error;
  }
}

/** Codes of service failures. All others are expected by callers. */
const serverFaults: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** Names follow OpenTelemetry's semantic conventions. */
function callSpan(path: string, kind: SpanKind) {
  const [, service = '', method = ''] = path.split('/');
  const attributes = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
  return [path.slice(1), { kind, attributes }] as const;
}

function endCall(span: Span, code: number, hasFailed: boolean): void {
  span.setAttribute('rpc.grpc.status_code', code);
  if (hasFailed) failSpan(span, status[code] ?? String(code));
  span.end();
}
