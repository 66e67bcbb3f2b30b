import { feedTypes, PersonalDataMask, platformContract, type Contract } from '@rapport/contracts';

type Values = Record<string, unknown>;

/** The values of a record without its personal data. An unknown type shows none. */
export const personalFieldsHidden = personalFieldsHiddenBy(platformContract());

export function personalFieldsHiddenBy(of: Contract): (type: string, values: Values) => Values {
  const [mask, types] = [new PersonalDataMask(of), feedTypes(of)];
  return (type, values) => {
    const method = types.get(type);
    if (!method) return {};
    // The mask would hide null, which is a cleared field.
    const cleared = Object.entries(values).filter(([, value]) => value === null);
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
    const hidden = mask.hide(method.desc.output, given);
    return { ...(JSON.parse(JSON.stringify(hidden)) as object), ...Object.fromEntries(cleared) };
  };
}
