import type { CsvDelimiter } from '@rapport/platform';
import { configurationCheck } from '../check-configuration.js';
import type { ConfigurationSchema } from '../description.js';
import { fileNamePattern } from './file-store.js';

export interface FileConfiguration {
  file: string;
  format: 'CSV' | 'NDJSON' | 'VCARD';
  idField?: string;
  characterSet: string;
  delimiter: CsvDelimiter;
  exportName?: string;
}

export const fileConfigurationSchema: ConfigurationSchema = {
  type: 'object',
  properties: {
    file: { type: 'string', title: 'File', pattern: fileNamePattern },
    format: { type: 'string', title: 'Format', enum: ['CSV', 'NDJSON', 'VCARD'] },
    idField: {
      type: 'string',
      title: 'Field with the id',
      description:
        'Column or name whose value identifies a record; of vCards it is always UID. Without an id a record is known ' +
        'by its content: when that changes, it is another record.',
      minLength: 1,
      maxLength: 200,
    },
    characterSet: {
      type: 'string',
      title: 'Character set of CSV and NDJSON',
      description: 'A vCard declares its own; the default is UTF-8.',
      enum: ['utf-8', 'utf-16le', 'windows-1252', 'iso-8859-2', 'iso-8859-15', 'shift_jis'],
      default: 'utf-8',
    },
    delimiter: { type: 'string', title: 'Delimiter of CSV', enum: [',', ';', '\t'], default: ',' },
    exportName: {
      type: 'string',
      title: 'Name of exports',
      description: 'New records go to new files, whose names begin with it. Without it nothing can be written.',
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_-]{0,49}$',
    },
  },
  required: ['file', 'format'],
  additionalProperties: false,
};

export const checkFileConfiguration = configurationCheck<FileConfiguration>(fileConfigurationSchema);
