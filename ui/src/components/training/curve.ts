/** The loss over a run as a line: every epoch's points one after another. */

import type { Schemas } from "../../api/client";

export interface Curve {
  /** Points of a polyline. */
  points: string;
  /** Where epochs end. */
  ends: number[];
  /** Loss on held-out pictures, where an epoch says one. */
  held: { x: number; y: number }[];
  /** The last step. */
  steps: number;
  first: number;
  last: number;
  least: number;
  most: number;
}

/** Room above and below the line. */
const EDGE = 4;

/** Undefined while there are fewer than two points. */
export function curveOf(
  reports: readonly Pick<Schemas["SliceReport"], "losses" | "held_out_loss">[],
  width: number,
  height: number,
): Curve | undefined {
  // What is no number came as none.
  const points = reports
    .flatMap(({ losses }) => losses)
    .filter(({ loss }) => Number.isFinite(loss))
    .sort((a, b) => a.step - b.step);
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first.step === last.step) return undefined;
  const ends = reports.map(({ losses }) => losses.at(-1)?.step);
  const held = reports.flatMap(({ held_out_loss }, at) => {
    const step = ends[at];
    return step !== undefined && Number.isFinite(held_out_loss) ? [{ step, loss: held_out_loss! }] : [];
  });
  const losses = [...points, ...held].map(({ loss }) => loss);
  const [least, most] = [Math.min(...losses), Math.max(...losses)];
  const x = (step: number) => round(((step - first.step) / (last.step - first.step)) * width);
  const y = (loss: number) => {
    const share = most > least ? (loss - least) / (most - least) : 0.5;
    return round(height - EDGE - share * (height - 2 * EDGE));
  };
  return {
    points: points.map(({ step, loss }) => `${x(step)},${y(loss)}`).join(" "),
    ends: ends.filter((step) => step !== undefined).map(x),
    held: held.map(({ step, loss }) => ({ x: x(step), y: y(loss) })),
    steps: last.step,
    first: first.loss,
    last: last.loss,
    least: Math.min(...points.map(({ loss }) => loss)),
    most,
  };
}
const round = (value: number) => Math.round(value * 10) / 10;
