/** Two runs side by side. */

import type { Schemas } from "../../api/client";
import { t, textOr } from "../../i18n";
import { number } from "../../i18n/format";
import { reliefLabel, type Value, valueLabel } from "../../i18n/training";

export interface Run {
  training: Schemas["Training"];
  epochs: readonly Pick<Schemas["TrainedEpoch"], "report">[];
}

export interface Row {
  name: string;
  /** What is said of each; an empty text: nothing is known. */
  values: [string, string];
  differs: boolean;
}

/** The file of a path. */
const fileOf = (path: string) => path.split("/").at(-1) ?? path;

/** What is told of a run beside its settings. */
function told({ training, epochs }: Run): [name: string, value: string][] {
  const { plan, choice } = training;
  const last = epochs.at(-1)?.report;
  const ranked = choice?.ranked.find(
    ({ contender }) =>
      contender.who === "epoch" && contender.epoch === choice.epoch && contender.strength === choice.strength,
  );
  const share = (value?: number) => (value === undefined ? "" : number(value, 2));
  return [
    [t("training.compared.state"), t(`training.state.${training.state}`)],
    [t("training.compared.trainer"), plan.trainer],
    [t("training.compared.base"), fileOf(plan.base)],
    [t("training.compared.pictures"), number(plan.pictures.filter((one) => !one.held_out).length)],
    [t("training.compared.steps"), number(plan.epochs * plan.epoch_steps)],
    [t("training.compared.relief"), training.relief.length ? reliefLabel(training.relief) : ""],
    [t("training.compared.stepTime"), last?.step_ms ? number(last.step_ms / 1000, 1) : ""],
    [t("training.loss"), share(last?.losses.at(-1)?.loss)],
    [t("training.compared.heldOut"), share(last?.held_out_loss ?? undefined)],
    [
      t("training.chosen"),
      choice?.epoch ? t("training.contender.epoch", { epoch: choice.epoch, strength: choice.strength }) : "",
    ],
    [
      t("training.compared.score"),
      ranked
        ? t("training.score", { score: number(ranked.estimate.score, 2), error: number(ranked.estimate.error, 2) })
        : "",
    ],
    [t("training.identity"), share(ranked?.estimate.identity)],
    [t("training.faithful"), share(ranked?.estimate.faithful)],
  ];
}

/** What is told of both, then the settings in which they differ; what nobody knows of either is left out. */
export function compared(one: Run, other: Run): Row[] {
  const [left, right] = [told(one), told(other)];
  const rows = left.map(([name, value], at): Row => row(name, value, right[at]?.[1] ?? ""));
  const [mine, theirs] = [one, other].map(({ training }) => training.plan.settings);
  const names = [...new Set([...Object.keys(mine ?? {}), ...Object.keys(theirs ?? {})])].sort();
  const settings = names.map((name) => {
    const said = (of?: Record<string, Value>) => (of && name in of ? valueLabel(of[name]!) : "");
    return row(textOr(`training.slot.${name}`, name), said(mine), said(theirs));
  });
  return [...rows.filter(({ values }) => values.some(Boolean)), ...settings.filter(({ differs }) => differs)];
}

const row = (name: string, left: string, right: string): Row => ({
  name,
  values: [left, right],
  differs: left !== right,
});
