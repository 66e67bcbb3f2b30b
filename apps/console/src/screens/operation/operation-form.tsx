import { useRef, useState } from 'react';
import { useMay } from '../../app/resource.ts';
import { labels, t } from '../../app/language.ts';
import { keyText, useShortcut } from '../../app/shortcuts.ts';
import { theContract, type Operation, type Parameter } from '../../contract/contract.ts';
import { invalidate } from '../../contract/api.ts';
import { isJson, textAt, type Json } from '../../contract/json.ts';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { Form, inputsOf } from '../../kit/form/form.tsx';
import { JsonText } from '../../kit/form/form-widgets.tsx';
import { Segments } from '../../kit/form/segments.tsx';
import { notify } from '../../kit/notices.ts';
import { Button, Icon, icons, text } from '../../kit/ui.tsx';
import { Answer, Snippet } from './answer.tsx';
import { curlOf, exchange, typeScriptOf, type Exchange, type Request } from './snippets.ts';
import style from './operation.module.css';

/**
 * A form for one operation, and its answer. In a dialog, which `onClose` ends, it asks for what the screen does not know, and closes when
 * the answer has nothing that is shown once.
 */
export function OperationForm({ id, parameters: known = {}, body: knownBody = {}, onClose }: FormProps) {
  const operation = theContract().operation(id);
  const [parameters, setParameters] = useState<Json>(known);
  const [body, setBody] = useState<Json>(knownBody);
  const [file, setFile] = useState<File>();
  const { answer, send, stop, isRunning } = useExchange();
  const may = useMay(parameters);
  const request: Request = {
    operation,
    parameters,
    ...(operation.body !== undefined && { body: withoutNothing(body, operation) }),
    ...(file && { file }),
  };
  const run = async () => {
    const came = await send(request);
    if (!isDone(came)) return;
    if (operation.verb !== 'GET') await invalidate(operation.path.split(/[/:]/)[2] ?? '');
    if (!onClose || shows(operation)) return;
    notify(t('operation.done'));
    onClose();
  };
  useShortcut('mod+enter', 'operation.send', () => void run(), may(id) && !isRunning);
  return (
    <div className={onClose ? style.inDialog : style.columns}>
      <div className={style.request}>
        <Parameters
          operation={operation}
          known={onClose ? known : {}}
          isShort={onClose !== undefined}
          value={parameters}
          onChange={setParameters}
          answer={answer}
        />
        <Body
          operation={operation}
          value={body}
          onChange={setBody}
          onFile={setFile}
          answer={answer}
          isShort={onClose !== undefined}
        />
        <FormFault error={answer?.problem} names={namesOf(operation)} />
        <SendBar
          operation={operation}
          isAllowed={may(id)}
          isRunning={isRunning}
          isDone={isDone(answer)}
          onSend={() => void run()}
          onClose={onClose}
        />
      </div>
      <div className={style.result}>
        {answer && (!onClose || shows(operation)) && <Answer answer={answer} onStop={stop} />}
        {!onClose && <Snippets request={request} />}
      </div>
    </div>
  );
}

function SendBar({ operation, isAllowed, isRunning, isDone: isClosing, onSend, onClose }: SendBarProps) {
  return (
    <footer className={style.send}>
      {!isAllowed && (
        <span className={text.row}>
          <Icon of={icons.Lock} />
          {t('operation.needs')} <code>{operation.permission}</code>
        </span>
      )}
      <span className={text.grow} />
      {onClose && <Button onPress={onClose}>{t(isClosing ? 'kit.close' : 'form.cancel')}</Button>}
      <Button
        kind="primary"
        icon={icons.Send}
        shortcut={keyText('mod+enter')}
        isDisabled={!isAllowed}
        isPending={isRunning}
        onPress={onSend}
      >
        {onClose ? doneName(operation) : t('operation.send')}
      </Button>
    </footer>
  );
}

/** What a dialog does when it is confirmed. */
function doneName({ id, bodyUsage }: Operation): string {
  if (bodyUsage === 'patch') return t('form.save');
  return id.startsWith('create') ? t('form.create') : labels.operation(id);
}

interface SendBarProps {
  operation: Operation;
  isAllowed: boolean;
  isRunning: boolean;
  isDone: boolean;
  onSend: () => void;
  onClose: (() => void) | undefined;
}

function isDone(answer: Exchange | undefined): boolean {
  return answer !== undefined && answer.status >= 200 && answer.status < 300;
}

interface FormProps {
  id: string;
  parameters?: Json;
  body?: Json;
  onClose?: () => void;
}

/** Whether the answer must be seen: it has a secret, is a file, or is what was asked for. */
function shows({ answer, answerUsage, verb }: Operation): boolean {
  return verb === 'GET' || answerUsage === 'file' || theContract().hasSecret(answer);
}

function useExchange() {
  const [answer, setAnswer] = useState<Exchange>();
  const [isRunning, setIsRunning] = useState(false);
  const end = useRef<AbortController>(undefined);
  const send = async (request: Request) => {
    end.current?.abort();
    const controller = new AbortController();
    end.current = controller;
    setIsRunning(true);
    const came = await exchange(request, controller.signal, setAnswer);
    setAnswer(came);
    setIsRunning(false);
    return came;
  };
  return { answer, send, stop: () => end.current?.abort(), isRunning };
}

/** Those that are not known yet. Where it `isShort`, without the headers, which are for programs. */
function Parameters({ operation, known, isShort, value, onChange, answer }: ParametersProps) {
  const asked = operation.parameters
    .filter(({ name, in: place }) => known[name] === undefined && !(isShort && place === 'header'))
    .map((parameter) => withReference(parameter, operation));
  const [first, more] = [asked.filter(({ required }) => required), asked.filter(({ required }) => !required)];
  const faults = faultsOf(answer?.problem, 'parameters');
  if (asked.length === 0) return null;
  const form = (fields: typeof asked) => (
    <Form message="" fields={fields} value={value} onChange={onChange} faults={faults} />
  );
  return (
    <>
      {first.length > 0 && form(first)}
      {more.length > 0 && (
        <details className={style.more} open={operation.body === undefined && first.length === 0}>
          <summary>{t('operation.parameters', { count: more.length })}</summary>
          {form(more)}
        </details>
      )}
    </>
  );
}

interface ParametersProps extends PartProps {
  known: Json;
  isShort: boolean;
}

/** The first id of a path is that of an item of the collection before it. */
function withReference(parameter: Parameter, { path }: Operation): Parameter {
  const [, collection = '', name] = /^\/v1\/(\w+)\/\{(\w+)\}/.exec(path) ?? [];
  const isItem = name === parameter.name && theContract().resource(collection)?.get !== undefined;
  return isItem ? { ...parameter, reference: collection } : parameter;
}

function Body({
  operation,
  value,
  onChange,
  onFile,
  answer,
  isShort,
}: PartProps & { onFile: (file: File) => void; isShort: boolean }) {
  const [mode, setMode] = useState('form');
  const { body, bodyUsage } = operation;
  if (bodyUsage === 'file')
    return (
      <label className={style.upload}>
        {t('operation.file')}
        <input type="file" onChange={(event) => event.target.files?.[0] && onFile(event.target.files[0])} />
      </label>
    );
  if (body === undefined) return null;
  const faults = faultsOf(answer?.problem);
  return (
    <>
      <header className={text.row}>
        {!isShort && <h2>{t('operation.body')}</h2>}
        <span className={text.grow} />
        <Segments
          small
          label={t('operation.body')}
          value={mode}
          onChange={setMode}
          options={[
            { id: 'form', name: t('operation.form') },
            { id: 'json', name: 'JSON' },
          ]}
        />
      </header>
      {mode === 'form' ? (
        <Form message={body} value={value} onChange={onChange} faults={faults} autoFocus={isShort} />
      ) : (
        <JsonText
          field={{ name: 'body', type: 'object' }}
          label={t('operation.body')}
          isHiddenLabel
          value={value}
          onChange={(next) => onChange(isJson(next) ? next : {})}
          faults={faults}
          pointer=""
          error={undefined}
        />
      )}
    </>
  );
}

interface PartProps {
  operation: Operation;
  value: Json;
  onChange: (value: Json) => void;
  answer: Exchange | undefined;
}

function Snippets({ request }: { request: Request }) {
  const [kind, setKind] = useState('curl');
  return (
    <section aria-label={labels.operation(request.operation.id)} className={style.snippets}>
      <Segments
        small
        label={labels.operation(request.operation.id)}
        value={kind}
        onChange={setKind}
        options={[
          { id: 'curl', name: 'curl' },
          { id: 'ts', name: 'TypeScript' },
        ]}
      />
      <Snippet text={kind === 'curl' ? curlOf(request) : typeScriptOf(request)} />
    </section>
  );
}

function namesOf({ body, parameters }: Operation): string[] {
  return [...inputsOf(body ?? '').map(({ name }) => name), ...parameters.map(({ name }) => name)];
}

/** Null clears a value of a record; in what creates one it stands for nothing. */
function withoutNothing(body: Json, { bodyUsage }: Operation): Json {
  if (bodyUsage === 'patch') return body;
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => value !== null && (value !== '' || textAt(body, name) !== '')),
  );
}
