import type { Clock } from '../clock.ts';

/** A request that the policy refused and that report mode let pass, as far as it may be kept. */
export interface Refused {
  /** The rule's label. */
  readonly rule: string;
  readonly reason: string;
  /** A configured issuer, or `none`. */
  readonly issuer: string;
  /** The client id or subject of a token that verified, else a masked address. */
  readonly who: string;
}

/** All such requests of the same kind. */
export interface ReportedRow extends Refused {
  readonly count: number;
  /** ISO 8601. */
  readonly lastSeen: string;
}

/** Whom enforcement would hit: the last kinds of refusals that were not enforced. */
export interface Reported {
  add(refused: Refused): void;
  /** The last seen first. */
  rows(): readonly ReportedRow[];
  /** Rows that made room for others. */
  readonly forgotten: number;
}

interface Counted {
  readonly refused: Refused;
  readonly count: number;
  readonly at: number;
}

const mostRows = 200;

/** Creates an empty table of at most `most` rows; the one that was seen longest ago is forgotten first. */
export function createReported(clock: Clock, most = mostRows): Reported {
  const rows = new Map<string, Counted>();
  let forgotten = 0;
  return {
    get forgotten() {
      return forgotten;
    },
    add(refused) {
      const { rule, reason, issuer, who } = refused;
      const key = JSON.stringify([rule, reason, issuer, who]);
      const count = (rows.get(key)?.count ?? 0) + 1;
      rows.delete(key);
      rows.set(key, { refused: { rule, reason, issuer, who }, count, at: clock.now() });
      if (rows.size <= most) return;
      for (const oldest of rows.keys()) {
        rows.delete(oldest);
        forgotten++;
        return;
      }
    },
    rows: () =>
      [...rows.values()]
        .reverse()
        .map(({ refused, count, at }) => ({ ...refused, count, lastSeen: new Date(at).toISOString() })),
  };
}
