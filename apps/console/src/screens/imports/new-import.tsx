import { useMutation } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { Button as AriaButton, DropZone, FileTrigger, Text } from 'react-aria-components';
import { ProblemNote } from '../../app/boundaries.tsx';
import { format, labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { theContract, type Contract, type Field, type Resource } from '../../contract/contract.ts';
import { call } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { uploadParts } from '../../contract/upload.ts';
import { useFirst } from '../../kit/form/choices.ts';
import { Select } from '../../kit/form/field.tsx';
import { Coded } from '../../kit/form/form-widgets.tsx';
import { LiveOperation } from '../../kit/record/live-operation.tsx';
import { Button, Icon, icons, text } from '../../kit/ui.tsx';
import { useGoOn } from '../../kit/use-go-on.ts';
import { MappedColumns, singularOf, skipped } from './imports.tsx';
import style from './imports.module.css';

/** An import in three steps: the file, what would happen, and the import itself. Nothing is written before the third. */
export function NewImport() {
  const navigate = useGoOn();
  const { type }: { type?: string } = useSearch({ strict: false });
  const [file, setFile] = useState<File>();
  const [settings, setSettings] = useState({ recordType: type ?? 'customer', defaultCountry: '', language: '' });
  const [chosen, setChosen] = useState<Record<string, string>>({});
  const [trial, setTrial] = useState<string>();
  const [tried, setTried] = useState<Json>();
  const choices: ImportChoices = { ...settings, map: mapOf(tried, chosen) };
  const dryRun = useMutation({
    mutationFn: async () => {
      setTried(undefined);
      if (file) await startImport(file, choices, true, setTrial);
    },
  });
  const run = useMutation({
    mutationFn: async () =>
      file && startImport(file, choices, false, (id) => void navigate({ to: '/imports', search: { id } })),
  });
  const error = dryRun.error ?? run.error;
  return (
    <>
      <Bar
        title={t('imports.new')}
        beside={file && `${file.name}, ${t('imports.bytes', { count: Math.ceil(file.size / 1024) })}`}
      />
      <Scroll padded>
        <div className={style.steps}>
          <FileStep file={file} onFile={setFile} />
          <Settings settings={settings} onChange={setSettings} />
          <div className={text.row}>
            <Button
              icon={icons.FlaskConical}
              onPress={() => dryRun.mutate()}
              isDisabled={!file}
              isPending={dryRun.isPending}
            >
              {t('imports.try')}
            </Button>
            <span className={text.meta}>{t('imports.tryHelp')}</span>
          </div>
          {trial !== undefined && <LiveOperation key={trial} id={trial} title={t('imports.dryRun')} onEnd={setTried} />}
          {tried && (
            <>
              <Columns recordType={settings.recordType} tried={tried} chosen={chosen} onChoose={setChosen} />
              <div className={text.row}>
                <Button kind="primary" icon={icons.Download} onPress={() => run.mutate()} isPending={run.isPending}>
                  {t('imports.run')}
                </Button>
                <span className={text.meta}>{t('imports.runHelp')}</span>
              </div>
            </>
          )}
          <ProblemNote error={error} />
        </div>
      </Scroll>
    </>
  );
}

function FileStep({ file, onFile }: { file: File | undefined; onFile: (file: File) => void }) {
  return (
    <DropZone
      className={style.drop}
      onDrop={({ items }) => {
        const first = items.find((item) => item.kind === 'file');
        void first?.getFile().then(onFile);
      }}
    >
      <Icon of={icons.FileUp} />
      <Text slot="label">{file ? file.name : t('imports.drop')}</Text>
      <FileTrigger
        acceptedFileTypes={['.csv', '.json', '.ndjson', '.jsonl', '.vcf']}
        onSelect={(files) => files?.[0] && onFile(files[0])}
      >
        <AriaButton className={text.link}>{t(file ? 'imports.other' : 'imports.choose')}</AriaButton>
      </FileTrigger>
      <span className={text.meta}>{t('imports.formats')}</span>
    </DropZone>
  );
}

interface ImportSettings {
  recordType: string;
  defaultCountry: string;
  language: string;
}

function Settings({ settings, onChange }: { settings: ImportSettings; onChange: (settings: ImportSettings) => void }) {
  const own = useFirst('customObjects').map((each) => ({
    id: `objects.${textAt(each, 'key')}`,
    name: textAt(each, 'pluralName') || textAt(each, 'displayName') || textAt(each, 'key'),
  }));
  const types = usableTypes(theContract()).map(({ singular, name }) => ({ id: singular, name: labels.resource(name) }));
  return (
    <div className={style.settings}>
      <Select
        label={t('imports.type')}
        options={[...types, ...own]}
        value={settings.recordType}
        onChange={(recordType) => onChange({ ...settings, recordType })}
      />
      <Coded
        label={t('imports.country')}
        code="country"
        value={settings.defaultCountry}
        onChange={(defaultCountry) => onChange({ ...settings, defaultCountry })}
      />
      <Coded
        label={t('imports.language')}
        code="language"
        value={settings.language}
        onChange={(language) => onChange({ ...settings, language })}
      />
    </div>
  );
}

function Columns({ recordType, tried, chosen, onChoose }: ColumnsProps) {
  const columns = itemsAt(tried, 'columns');
  const skippedCount = columns.filter((column) => textAt(column, 'field') === '').length;
  return (
    <>
      <p className={text.two}>
        {t('imports.mapped', { count: columns.length - skippedCount })}{' '}
        {skippedCount > 0 && format.number(skippedCount)} {skippedCount > 0 && t('imports.unmapped')}
      </p>
      <MappedColumns
        columns={columns}
        recordType={recordType}
        fields={fieldsOf(theContract(), recordType)}
        chosen={chosen}
        onChoose={(column, field) => onChoose({ ...chosen, [column]: field })}
      />
    </>
  );
}

interface ColumnsProps {
  recordType: string;
  tried: Json;
  chosen: Readonly<Record<string, string>>;
  onChoose: (chosen: Record<string, string>) => void;
}

/** What `map` says: every column with its field, as the server mapped it or a person chose. Empty until one was chosen. */
function mapOf(tried: Json | undefined, chosen: Readonly<Record<string, string>>): string[] {
  if (!tried || Object.keys(chosen).length === 0) return [];
  return itemsAt(tried, 'columns').flatMap((column) => {
    const name = textAt(column, 'column');
    const field = chosen[name] ?? textAt(column, 'field');
    return field === '' || field === skipped ? [] : [`${name}=${field}`];
  });
}

/** The types of records that files can be imported into. Records of custom objects are named by their object. */
function usableTypes(contract: Contract): Resource[] {
  return contract.resources.filter(({ import: id, name }) => id !== undefined && !name.includes('{'));
}

/** Fields that a column can go to, in the spelling of `map`: texts and numbers, and the parts of lists of a record. */
export function fieldsOf(contract: Contract, recordType: string): string[] {
  const isOwn = recordType.startsWith('objects.');
  const resource = contract.resources.find(({ singular, name, isRecord }) =>
    isOwn ? name === 'objects/{object}/records' : isRecord && singular === recordType,
  );
  return contract.fields(resource?.message).flatMap((field) => namesOf(contract, field));
}

function namesOf(contract: Contract, field: Field): string[] {
  const { name, type, of, list } = field;
  if (!isGiven(field)) return [];
  if (type !== 'message' || !list) return [list ? singularOf(name) : name];
  const parts = contract.fields(of);
  // The main part of an item goes by the name of the list: `email` of `emails`.
  const hasMain = mainParts.has(parts[0]?.name ?? '');
  return hasMain ? [singularOf(name)] : parts.filter((part) => part.type === 'text').map((part) => part.name);
}

const mainParts = new Set(['address', 'number', 'value', 'system']);

/** Whether callers set the field, as one value or a list of them. */
function isGiven({ name, type, output, secret }: Field): boolean {
  return !output && !secret && type !== 'object' && type !== 'bytes' && name !== 'etag';
}

/** How the file is read: as `ImportInput` of the API, without what follows from the file. */
interface ImportChoices {
  recordType: string;
  map: readonly string[];
  kind?: string;
  defaultCountry?: string;
  language?: string;
}

/**
 * Starts an import and uploads its file in parts. Each part continues after the last byte that the server has.
 *
 * @param onStart with the id of the operation, which can be watched while the file is uploaded
 * @returns the id
 * @throws Problem when the import is refused, or the server can not be reached for a minute
 */
async function startImport(
  file: File,
  choices: ImportChoices,
  isDryRun: boolean,
  onStart: (id: string) => void,
): Promise<string> {
  const { map, ...rest } = choices;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== ''));
  const body = { ...given, contentType: contentTypeOf(file), dryRun: isDryRun, ...(map.length > 0 && { map }) };
  const id = textAt(await call('createImport', {}, { body }), 'id');
  onStart(id);
  await uploadParts('uploadImportFile', id, file, async () => {
    const operation = await call('getOperation', { id });
    // It began: the answer of the last part was lost.
    return operation.state === 'WAITING' ? Number(operation.receivedBytes ?? 0) : undefined;
  });
  return id;
}

/** By the end of its name, since browsers do not know all of them. */
function contentTypeOf({ name, type }: { name: string; type: string }): string {
  const known: Readonly<Record<string, string>> = {
    csv: 'text/csv',
    json: 'application/json',
    ndjson: 'application/x-ndjson',
    jsonl: 'application/x-ndjson',
    vcf: 'text/vcard',
  };
  return known[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? (type || 'text/csv');
}
