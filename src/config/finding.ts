import { formatPath, type Path } from './path.ts';

/** From 1, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a place; where that is in the file is added by whoever read it. */
export interface Finding {
  readonly path: Path;
  /** Holds no value of the config: `got` and `hint` may, and are left out where the value came from elsewhere. */
  readonly message: string;
  /** The value as it was found, to be said after the message. */
  readonly got?: string;
  readonly hint?: string;
  /** Whether the place of the key, not of its value, is meant. */
  readonly atKey?: boolean;
  /** The part that means nothing while this is wrong, if that is more than the place itself. */
  readonly spoils?: Path;
  /** Where it is in the file, if that is not where the path leads. */
  readonly position?: Position;
  /** Other places that it was concluded from: while one of them is broken itself, this is not said. */
  readonly restsOn?: readonly Path[];
}

/** What a check of a complete config has to say. */
export interface Checked {
  /** The config cannot be used. */
  readonly faults: readonly Finding[];
  /** It can, but it lets more pass than it seems to, or does not do what it seems to say. */
  readonly warnings: readonly Finding[];
  /** Advice. A config may well be right without it. */
  readonly notes?: readonly Finding[];
}

/** All that several checks have to say. */
export function join(parts: readonly Checked[]): Required<Checked> {
  return {
    faults: parts.flatMap(({ faults }) => faults),
    warnings: parts.flatMap(({ warnings }) => warnings),
    notes: parts.flatMap(({ notes = [] }) => notes),
  };
}

/** Whether a place is another one or lies within it. */
export function isWithin(path: Path, outer: Path): boolean {
  return path.length >= outer.length && outer.every((part, index) => path[index] === part);
}

/** One finding a place: that a value has the wrong type and the wrong form too is no news. */
export function firstOfEach(findings: readonly Finding[]): Finding[] {
  const places = new Map<string, Finding>();
  for (const finding of findings) {
    const place = formatPath(finding.path);
    if (!places.has(place)) places.set(place, finding);
  }
  return [...places.values()];
}
