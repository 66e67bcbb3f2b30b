import { z } from 'zod';
import { perClass, planSettings, type PerClass, type Plan } from './plans.js';

/** What bounds the calls of public pages. */
const publicLimits = z.strictObject({
  /** Units that the addresses of a block may spend in a minute. */
  blockUnits: z.int().min(1).default(600),
  /** Units that may be spent on one link in a minute, from all addresses. */
  linkUnits: z.int().min(1).default(60),
  /** Most calls that this process works on at the same time. */
  places: z.int().min(1).default(200),
});
export type PublicLimitSettings = z.infer<typeof publicLimits>;

/** What bounds the work of an edge. */
export interface LimitSettings {
  plans: ReadonlyMap<string, Plan>;
  /** How many calls of each class this process works on at the same time. */
  places: Readonly<PerClass>;
  /** How many edges there are at most: each grants this part of a rate while Redis is unreachable. */
  edges: number;
  /** How many wrong credentials an address may try in a minute. */
  failedAuthentications: number;
  /** Units that calls without a credential may spend from one address in a minute. */
  anonymousUnits: number;
  /** Limits of public pages. */
  public: PublicLimitSettings;
  /** An interactive call that takes longer than this is a sign of overload, in milliseconds. */
  slowCallMs: number;
}

/** The variables that the settings come from, each with a default. */
export const limitVariables = {
  ANONYMOUS_UNITS_PER_MINUTE: z.coerce.number().int().min(1).default(6_000).meta({
    description: 'Units that calls without a credential may spend from one address.',
  }),
  EDGE_COUNT: z.coerce.number().int().min(1).max(1_000).default(4).meta({
    description: 'Most edges that run at once. While Redis is away each grants this part of a rate.',
  }),
  FAILED_AUTHENTICATIONS_PER_MINUTE: z.coerce.number().int().min(1).default(300).meta({
    description: 'Wrong credentials that one address may try.',
  }),
  PLACES: json(perClass).default({ interactive: 2_000, bulk: 32, feed: 2_000 }).meta({
    form: 'JSON',
    description: 'Most concurrent calls of each traffic class; interactive ones for each service.',
  }),
  PUBLIC_LIMITS: json(publicLimits).default(publicLimits.parse({})).meta({
    form: 'JSON',
    description: 'Limits of public pages: units a minute of a block of addresses and of a link, and concurrent calls.',
  }),
  RATE_PLANS: json(planSettings).default(planSettings.parse({})).meta({
    form: 'JSON',
    description: 'Limits of each plan: units a minute of a key and of a tenant, and concurrent calls.',
  }),
  SLOW_CALL_MS: z.coerce.number().int().min(10).default(2_500).meta({
    description: 'An interactive call that takes longer counts as a sign of overload, in milliseconds.',
  }),
};

export function limitSettings(variables: z.infer<z.ZodObject<typeof limitVariables>>): LimitSettings {
  return {
    plans: variables.RATE_PLANS,
    places: variables.PLACES,
    edges: variables.EDGE_COUNT,
    failedAuthentications: variables.FAILED_AUTHENTICATIONS_PER_MINUTE,
    public: variables.PUBLIC_LIMITS,
    anonymousUnits: variables.ANONYMOUS_UNITS_PER_MINUTE,
    slowCallMs: variables.SLOW_CALL_MS,
  };
}

/** The settings when the environment says nothing. */
export function defaultLimitSettings(): LimitSettings {
  return limitSettings(z.object(limitVariables).parse({}));
}

function json<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue('must be JSON');
        return z.NEVER;
      }
    })
    .pipe(schema);
}
