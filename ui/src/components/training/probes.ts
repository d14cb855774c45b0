/** The pictures that compare the epochs of a run, as a grid: who made them downwards, what they show across. */

import type { Schemas } from "../../api/client";

type Contender = Schemas["Contender"];
type Probe = Schemas["Probe"];

/** A row of the grid. */
export interface Row {
  key: string;
  contender: Contender;
  /** One for every case; undefined where this row makes none. */
  cells: (Probe | undefined)[];
  /** How good it is; undefined before that is known. */
  estimate?: Schemas["Ranked"]["estimate"];
  /** It was taken. */
  chosen: boolean;
}

export function keyOf(one: Contender): string {
  switch (one.who) {
    case "epoch":
      return `epoch ${one.epoch} ${one.strength}`;
    case "active":
      return `active ${one.lora} ${one.strength}`;
    case "without":
      return "without";
  }
}

/** Without any first, then the one in use, then epoch by epoch with growing strength. */
function place(one: Contender): number[] {
  switch (one.who) {
    case "without":
      return [0, 0, 0];
    case "active":
      return [1, 0, one.strength];
    case "epoch":
      return [2, one.epoch, one.strength];
  }
}
function before(a: Contender, b: Contender): number {
  const [left, right] = [place(a), place(b)];
  const at = left.findIndex((one, index) => one !== right[index]);
  return at < 0 ? 0 : left[at]! - right[at]!;
}

/** All that were compared, with their pictures by case. */
export function rowsOf(
  probes: readonly Probe[],
  cases: number,
  choice?: Pick<Schemas["TrainingChoice"], "epoch" | "strength" | "ranked"> | null,
): Row[] {
  const rows = new Map<string, Row>();
  for (const probe of probes) {
    const { contender } = probe;
    const key = keyOf(contender);
    let row = rows.get(key);
    if (!row) {
      const chosen =
        contender.who === "epoch" && contender.epoch === choice?.epoch && contender.strength === choice.strength;
      const estimate = choice?.ranked.find((one) => keyOf(one.contender) === key)?.estimate;
      row = { key, contender, cells: Array.from({ length: cases }), estimate, chosen };
      rows.set(key, row);
    }
    if (probe.case < cases) row.cells[probe.case] = probe;
  }
  return [...rows.values()].sort((a, b) => before(a.contender, b.contender));
}

/** How many of the pictures are through. */
export function judged(probes: readonly Pick<Probe, "state">[]): { n: number; of: number } {
  const over = probes.filter(({ state }) => state === "judged" || state === "failed");
  return { n: over.length, of: probes.length };
}

/** The strengths a person chooses from: the usual ones, and the one it was compared with. */
export function strengths(of?: number): number[] {
  return [...new Set([60, 80, 100, ...(of ? [of] : [])])].sort((a, b) => a - b);
}
