/** What is said of trainings and of the LoRAs that come of them, in words. */

import type { Schemas } from "../api/client";
import { t, textOr, word } from ".";
import { axisWord, missingLabel, readinessLabel } from "./dataset";
import { duration, gibibytes, mebibytes, number, significant } from "./format";
import { faultLabel, rungLabel, unknown, type Words } from "./reasons";

/** Whatever a setting is: a switch, a number or a word. */
export type Value = Schemas["SlotValue"];
type Slot = Schemas["TrainingSlot"];
type Choice = Schemas["TrainingChoice"];
type Kept = Schemas["KeptLoraView"];

export const architectureLabel = (one: Schemas["Architecture"]): string => word("loras.architecture", one);

/** A file's length: MiB below one GiB. */
export const sizeLabel = (bytes: number): string => (bytes < 2 ** 30 ? mebibytes(bytes) : gibibytes(bytes / 2 ** 20));

/** Why an epoch was taken, or none; none: the page does not know what it is told. */
export function choiceWords(choice: Choice): Words {
  const what =
    choice.epoch == null
      ? t("training.choice.none")
      : t("training.choice.epoch", { epoch: choice.epoch, strength: choice.strength });
  const { why } = choice;
  switch (why.why) {
    case "better":
    case "not_better":
      return t(`training.choice.why.${why.why}`, { what, by: number(why.by, 2), error: number(why.error, 2) });
    case "undertrained":
    case "overtrained":
    case "unjudged":
    case "person":
      return t(`training.choice.why.${why.why}`, { what });
    case "not_shown":
      return t("training.choice.why.not_shown");
    default:
      return unknown(why);
  }
}

/** How a run stands, in one sentence; `said` is the studio's own. */
export function trainingLabel({ training, said }: Pick<Schemas["TrainingView"], "training" | "said">): string {
  if (training.fault) return faultLabel(training.fault, said);
  if (training.choice && training.state !== "cancelled") return choiceWords(training.choice) ?? said;
  if (training.paused && (training.state === "training" || training.state === "probing")) return t("training.rests");
  return t(`training.state.${training.state}`);
}

/** Whose picture it is, e.g. "Epoch 6 at 80 %". */
export function contenderLabel(one: Schemas["Contender"]): string {
  switch (one.who) {
    case "epoch":
      return t("training.contender.epoch", { epoch: one.epoch, strength: one.strength });
    case "active":
      return t("training.contender.active", { strength: one.strength });
    case "without":
      return t("training.contender.without");
  }
}

/** What a picture that compares shows, by axis; where nothing is said of that, the words of its prompt. */
export function caseLabel({ cell, words }: Pick<Schemas["ProbeCase"], "cell" | "words">): string {
  const shown = Object.entries(cell).map(([axis, value]) => axisWord(axis, value));
  return shown.join(", ") || words;
}

/** Why a run cannot begin, with the remedy. */
export function blockedLabel({ reason, said }: Schemas["TrainingBlockedView"]): string {
  switch (reason.why) {
    case "too_few":
      return t("training.blocked.too_few", { n: reason.approved, least: reason.least });
    case "no_base":
      return t("training.blocked.no_base", { what: architectureLabel(reason.architecture), key: reason.architecture });
    case "no_model":
    case "no_folder":
    case "same":
    case "busy":
      return t(`training.blocked.${reason.why}`);
    default:
      return unknown(reason) ?? said;
  }
}

/** Approved pictures that are left out, one sentence for each reason. */
export function leftOutLabels(all: readonly Schemas["LeftOut"][]): string[] {
  const reasons = [...new Set(all.map(({ why }) => why))];
  return reasons.map((one) => t(`training.leftOut.${one}`, { n: all.filter(({ why }) => why === one).length }));
}

/** What can be set, as the page calls it; what it does not know, as the trainer's file does. */
export const slotLabel = ({ name, title }: Slot): string => textOr(`training.slot.${name}`, title);
export const unitLabel = ({ unit }: Slot): string => (unit ? textOr(`training.unit.${unit}`, unit) : "");

/** The range and unit of a number, e.g. "1 to 200 epochs". */
export function rangeLabel(slot: Slot): string {
  const unit = unitLabel(slot);
  const { min, max } = slot;
  if (min == null && max == null) return unit;
  if (min != null && max != null) return t("training.range", { min: plain(min), max: plain(max), unit }).trim();
  return min != null
    ? t("training.least", { min: plain(min), unit }).trim()
    : t("training.most", { max: plain(max!), unit }).trim();
}
/** Whole numbers as they are: a seed has ten digits. */
const plain = (value: number) => (Number.isInteger(value) ? number(value) : significant(value));

export function valueLabel(value: Value): string {
  if (typeof value === "boolean") return value ? t("training.yes") : t("training.no");
  return typeof value === "number" ? plain(value) : value;
}

/** What a run takes and costs, each with its name; `compared`: pictures compare its epochs. */
export function estimateLabels(
  estimate: Schemas["TrainingEstimate"],
  compared: boolean,
): [name: string, value: string][] {
  const comparing: [string, string] = [t("training.estimate.comparing"), duration(estimate.comparing_ms)];
  return [
    [t("training.estimate.training"), duration(estimate.training_ms)],
    ...(compared ? [comparing] : []),
    [
      t("training.estimate.energy"),
      estimate.wh == null ? t("now.unmeasured") : t("now.kwh", { kwh: number(estimate.wh / 1000, 2) }),
    ],
    [t("training.estimate.disk"), sizeLabel(estimate.bytes)],
  ];
}

/** What was done differently because the card was full. */
export const reliefLabel = (relief: readonly Schemas["Rung"][]): string =>
  relief.map((rung) => rungLabel(rung) ?? rung).join(", ");

/** What would be made anew when films used another one, or none. */
export function anewLabel({ shots, episodes }: Pick<Kept, "shots" | "episodes">): string {
  if (!shots) return t("training.anewNone");
  return t("training.anew", {
    shots: t("training.shots", { n: shots }),
    episodes: t("training.episodes", { n: episodes }),
  });
}

/** What would be made anew by a change of one in use: what is made with it now, and what is from then on. */
export function changeLabel(view: Pick<Kept, "shots" | "episodes" | "lora">, { name }: Schemas["ChangeLora"]): string {
  if (name == null) return anewLabel(view);
  const always = view.lora.character_id ? t("training.anewAlone") : t("training.anewFilms");
  const then = name ? t("training.anewAsked", { name }) : always;
  return view.shots ? `${anewLabel(view)} ${then}` : then;
}

/** What screenplays ask for it by; empty: it is used without being asked for. */
export function askedByLabel({ name, instead }: Pick<Schemas["KeptLora"], "name" | "instead">): string {
  if (!name) return "";
  return instead ? t("training.askedInstead", { name }) : t("training.askedBy", { name });
}

/** What is missing of a set is said this often; the rest is counted. */
const MISSING = 3;

/** Whether the pictures of a character are enough, and what is missing in short. */
export function candidateLabel({ readiness }: Pick<Schemas["TrainingCandidate"], "readiness">): string {
  const { ready, missing } = readiness;
  if (!ready || !missing.length) return readinessLabel(readiness);
  const said = missing.slice(0, MISSING).map(missingLabel);
  const rest = missing.length - said.length;
  return `${t("training.stiff")} ${[...said, ...(rest ? [t("training.candidates.more", { n: rest })] : [])].join("; ")}`;
}
