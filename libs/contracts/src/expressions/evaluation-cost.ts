import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf, loops } from './syntax-tree.js';

/**
 * Upper bound of the time of an evaluation, in steps of 2 to 10 nanoseconds. The size of an expression alone does not bound it: a loop repeats
 * what it does for each item, and `contains` compares each part of a text with each part of another.
 */
export type EvaluationCost = (values: Readonly<Record<string, unknown>>) => number;

/** What is known about a value before an evaluation. */
interface Bound {
  /** Of the texts, items and fields in it, at any depth. */
  size: number;
  /** Items of a list. */
  items: number;
  /** All that it can be, when it is read from a variable. */
  values?: readonly unknown[];
}

/** What a node of an expression costs the library by itself. */
const stepsOfNode = 4;
const sizeOfItem = 16;

/** `contains` moves on by whole patterns at best, and compares a part of the pattern at each place at worst. */
const patternSteps = 16;

/** @returns undefined for an expression whose time grows no faster than its values */
export function costOf(root: ASTNode): EvaluationCost | undefined {
  if (!isMoreThanLinear(root)) return undefined;
  return (values) => {
    const sizes = new Sizes();
    const variables = new Map(Object.entries(values).map(([name, value]) => [name, sizes.boundOf([value])]));
    const estimate = new Estimate(sizes, variables);
    estimate.visit(root, 1);
    return estimate.steps;
  };
}

function isMoreThanLinear(node: ASTNode): boolean {
  const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : '';
  return name === 'contains' || loops.has(name) || childrenOf(node).some(isMoreThanLinear);
}

class Estimate {
  steps = 0;

  constructor(
    private readonly sizes: Sizes,
    private readonly variables: Map<string, Bound>,
  ) {}

  /** @param times that the node is evaluated, at most */
  visit(node: ASTNode, times: number): Bound {
    this.steps += times * stepsOfNode;
    switch (node.op) {
      case 'value':
        return this.sizes.boundOf([node.args]);
      case 'id':
        return this.variables.get(node.args) ?? one;
      case '.':
        return this.#part(this.visit(node.args[0], times), (value) => namedIn(value, node.args[1]));
      case '==':
      case '!=': {
        const [left, right] = node.args.map((each) => this.visit(each, times)) as [Bound, Bound];
        this.steps += times * Math.min(left.size, right.size);
        return one;
      }
      case '[]': {
        const [target] = node.args.map((each) => this.visit(each, times)) as [Bound, Bound];
        return this.#part(target, (value) => Object.values(value));
      }
      case '?:':
      case '&&':
      case '||':
        return this.#together(childrenOf(node), times);
      case 'call':
        return this.#call(node.args[0], node.args[1], times);
      case 'rcall':
        return this.#call(node.args[0], [node.args[1], ...node.args[2]], times);
      default: {
        const parts = this.#together(childrenOf(node), times);
        this.steps += times * parts.size;
        return parts;
      }
    }
  }

  #call(name: string, [first, ...others]: readonly ASTNode[], times: number): Bound {
    if (!first) return one;
    const target = this.visit(first, times);
    if (loops.has(name)) return this.#loop(target, others, times);
    const argument = this.#together(others, times);
    switch (name) {
      case 'has':
        return one;
      case 'contains':
        this.steps += times * target.size * (1 + argument.size / patternSteps);
        return one;
      case 'size':
        this.steps += target.values?.every(Array.isArray) ? 0 : times * target.size;
        return one;
      default:
        this.steps += times * target.size;
        return { size: target.size + argument.size, items: target.items };
    }
  }

  #loop(list: Bound, [item, body]: readonly ASTNode[], times: number): Bound {
    if (item?.op !== 'id' || !body) return one;
    const outer = this.variables.get(item.args);
    const items = list.values?.flatMap((value): unknown[] => (Array.isArray(value) ? value : []));
    this.variables.set(item.args, items ? this.sizes.boundOf(items) : list);
    this.visit(body, times * Math.max(1, list.items));
    if (outer) this.variables.set(item.args, outer);
    else this.variables.delete(item.args);
    return { size: list.size, items: list.items };
  }

  /** A sum of texts or lists, a list, a map, one of two branches. */
  #together(parts: readonly ASTNode[], times: number): Bound {
    const bounds = parts.map((part) => this.visit(part, times));
    const size = bounds.reduce((sum, each) => sum + each.size, parts.length * sizeOfItem);
    return { size, items: bounds.reduce((sum, { items }) => sum + items, parts.length) };
  }

  #part({ values, size }: Bound, partsOf: (value: Record<string, unknown>) => readonly unknown[]): Bound {
    if (!values) return { size, items: size / sizeOfItem };
    return this.sizes.boundOf(values.flatMap((value) => (isObject(value) ? partsOf(value) : [])));
  }
}

function namedIn(value: Record<string, unknown>, name: string): readonly unknown[] {
  return name in value ? [value[name]] : [];
}

const one: Bound = { size: 1, items: 0 };

/** Sizes of values, each measured once. */
class Sizes {
  readonly #known = new WeakMap<object, number>();

  boundOf(values: readonly unknown[]): Bound {
    let [size, items] = [1, 0];
    for (const value of values) {
      size = Math.max(size, this.#sizeOf(value));
      if (Array.isArray(value)) items = Math.max(items, value.length);
    }
    return { size, items, values };
  }

  #sizeOf(value: unknown): number {
    if (typeof value === 'string') return value.length;
    if (value instanceof Uint8Array) return value.length;
    if (!isObject(value)) return 1;
    let size = this.#known.get(value);
    if (size === undefined) {
      size = 1;
      for (const [key, part] of Object.entries(value)) size += sizeOfItem + key.length + this.#sizeOf(part);
      this.#known.set(value, size);
    }
    return size;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
