/** How full the grid of a dataset is. The studio counts each axis; two axes against each other are counted here. */

import type { Schemas } from "../../api/client";

type Axis = Schemas["Axis"];
type Cell = Record<string, string>;
export type GridCell = { cell: Cell; have: number; want: number };

const part = (axis: Axis, word: string) => {
  const all = axis.values.reduce((sum, value) => sum + value.share, 0);
  return (axis.values.find((value) => value.word === word)?.share ?? 0) / Math.max(1, all);
};

/** Which share of all pictures should show these values, 0-1, as the studio reckons it. */
export function expected(axes: readonly Axis[], cell: Cell): number {
  const values = axes.flatMap((axis) => axis.values.filter((value) => value.word === cell[axis.name]));
  // Nobody sees an expression from behind.
  if (values.some((value) => value.without?.some((without) => without in cell))) return 0;
  let share = 1;
  for (const axis of axes) {
    const word = cell[axis.name];
    if (word) share *= part(axis, word);
    else {
      const against = axis.values.filter((value) => value.without?.some((without) => without in cell));
      share *= 1 - against.reduce((sum, value) => sum + part(axis, value.word), 0);
    }
  }
  return share;
}

/** The first two crossed axes against each other, with what there is and should be; undefined without two of them. */
export function gridOf(axes: readonly Axis[], shown: readonly Cell[], target: number) {
  const [rows, columns] = axes.filter((axis) => axis.crossed);
  if (!rows || !columns) return undefined;
  const cells = rows.values.map((row) =>
    columns.values.map((column): GridCell => {
      const cell = { [rows.name]: row.word, [columns.name]: column.word };
      const have = shown.filter((one) => one[rows.name] === row.word && one[columns.name] === column.word).length;
      return { cell, have, want: target * expected(axes, cell) };
    }),
  );
  return { rows, columns, cells };
}
