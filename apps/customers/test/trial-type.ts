import { absentValue, type RecordContract } from '@rapport/contracts';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { RecordDefinition, RecordMessage } from '../src/engine/fields/record-definition.js';
import { RecordType, type Method } from '../src/engine/fields/record-type.js';
import { trialContract } from './trial-records.js';

/** A trial as its message. */
export interface Trial extends RecordMessage {
  title: string;
  customerId?: string | undefined;
  status: number;
  amount?: { currencyCode: string; amount: string } | undefined;
  endDate?: string | undefined;
  stageTime?: string | undefined;
  labels: string[];
  steps: { key: string; status: number; note?: string | undefined }[];
  nextStep?: { key: string; status: number; note?: string | undefined } | undefined;
  seats?: number | undefined;
  sizeBytes: number;
  score?: number | undefined;
  accepted: boolean;
  source: string;
  externalIds: { system: string; value: string }[];
}

const { trials } = trialContract();

/** The parts of a service that the import and the export of a type use. */
function methodsOf({ fields }: RecordContract): Record<string, Method> {
  const empty = () => Object.fromEntries(fields.map(({ name, desc }) => [name, emptyOf(desc)]));
  return {
    getTrial: { responseDeserialize: empty } as unknown as Method,
    importTrials: CustomersServiceService.importCustomers as unknown as Method,
  };
}

function emptyOf(desc: Parameters<typeof absentValue>[0]): unknown {
  return desc.fieldKind === 'list' ? [] : absentValue(desc);
}

/** A type of trials with rules of its own. */
export function trialTypeWith(
  definition: Partial<RecordDefinition<Trial>> = {},
  contract: RecordContract = trials,
): RecordType<Trial> {
  return new RecordType<Trial>(contract, methodsOf(contract), { indexVersion: 1, ...definition });
}

/** A trial with default values. */
export function emptyTrial(given: Partial<Trial> = {}): Trial {
  return { ...trialTypeWith().empty(), ...given };
}
