/** What is said of datasets and their pictures, in words. */

import type { Schemas } from "../api/client";
import { humanize, language, t, word } from ".";
import { dateTime, timecode } from "./format";

type Picture = Schemas["Picture"];

/** A value of an axis, e.g. `three_quarter` as "Three-quarter". */
export function axisWord(axis: string, value: string): string {
  return word(`shows.${axis}`, value);
}
export const axisLabel = (axis: string): string => word("axis", axis);

/** "Face, side, smile": in the order of the axes. */
export function cellLabel(cell: Picture["cell"], axes: Schemas["Coverage"]["axes"]): string {
  const known = axes.filter(({ name }) => cell[name]);
  return known.map(({ name }) => axisWord(name, cell[name]!)).join(", ");
}

/** Where a picture shows something else than was asked for, one sentence each. */
export function otherwiseLabels(placing: Picture["placing"]): string[] {
  return (placing?.otherwise ?? []).map(({ axis, asked, seen }) =>
    t("dataset.otherwise", { axis: axisLabel(axis), asked: axisWord(axis, asked), seen: axisWord(axis, seen) }),
  );
}

/** What came of the pictures of a review, in one line. */
export function reviewLabel({ review, state, done }: Schemas["DatasetReviewView"]): string {
  const { counts } = review;
  const came = REVIEWED.filter((name) => counts[name]).map((name) =>
    t(`dataset.reviews.came.${name}`, { n: counts[name] }),
  );
  const how = state === "running" && review.stopped ? "stopping" : state;
  return [t(`dataset.reviews.state.${how}`, { done, n: counts.asked }), ...came].join(", ");
}
const REVIEWED = [
  "approved",
  "rejected",
  "waiting",
  "kept",
  "described",
  "unreviewed",
  "failed",
  "gone",
  "stopped",
] as const;

/** Some words as a list, as the language writes it. */
export function listed(words: string[]): string {
  return new Intl.ListFormat(language.value, { type: "conjunction" }).format(words);
}

export function rejections(all: readonly Schemas["Rejection"][]): string {
  return listed(all.map((one) => t(`rejection.${one}`)));
}

export function pauseLabel(pause: Schemas["DatasetPause"]): string {
  switch (pause.why) {
    case "person":
      return t("dataset.pause.person", { time: dateTime(pause.at) });
    case "rejections":
      return pause.common
        ? t("dataset.pause.common", { n: pause.count, what: t(`rejection.${pause.common}`) })
        : t("dataset.pause.rejections", { n: pause.count });
    case "hopeless":
      return t("dataset.pause.hopeless", { n: pause.cells });
    case "vain":
      return t("dataset.pause.vain", { n: pause.count });
  }
}

/** Why nothing is asked for now. */
export function waitLabel(wait: Schemas["Wait"] | null | undefined): string {
  switch (wait?.why) {
    case undefined:
      return t("dataset.wait.none");
    case "paused":
      return pauseLabel(wait.pause);
    case "at_target":
      return t("dataset.wait.at_target", { n: wait.approved, target: wait.target });
    case "in_flight":
      return t("dataset.wait.in_flight", { n: wait.pictures });
    case "pending":
      if (!wait.unjudged) return t("dataset.wait.awaiting", { n: wait.awaiting });
      if (!wait.awaiting) return t("dataset.wait.unjudged", { n: wait.unjudged });
      return t("dataset.wait.both", { person: wait.awaiting, judge: wait.unjudged });
    case "judge_away":
      return t("dataset.wait.judge_away", { n: wait.unjudged });
    case "studio":
      return t("dataset.wait.studio", { n: wait.filling });
    case "daily":
      if (!wait.asked) return t("dataset.wait.never");
      return t("dataset.wait.daily", { n: wait.asked, time: dateTime(wait.until) });
    case "cooldown":
      return t("dataset.wait.cooldown", { time: dateTime(wait.until) });
    case "off":
      return t("dataset.wait.off");
    case "disk":
      return t("dataset.wait.disk");
    case "energy":
      return t("dataset.wait.energy");
  }
}

export type Tone = "calm" | "live" | "good" | "warn";
/** How a state of a dataset is shown: what wants a person is loud. */
export function toneOf(wait: Schemas["Wait"] | null | undefined): Tone {
  switch (wait?.why) {
    case undefined:
    case "in_flight":
      return "live";
    case "at_target":
      return "good";
    case "paused":
    case "disk":
    case "judge_away":
      return "warn";
    case "pending":
      return wait.awaiting ? "warn" : "live";
    default:
      return "calm";
  }
}

/** How a picture stands: its state, and what it waits for. */
export type Standing = "approved" | "rejected" | "awaiting" | "unjudged" | "copy";
export function standing(picture: Picture): Standing {
  if (picture.state !== "pending") return picture.state;
  if (picture.duplicate_of) return "copy";
  return picture.verdict ? "awaiting" : "unjudged";
}

/** Who decided what, and why. */
export function decisionLabel({ decision }: Pick<Picture, "decision">): string | undefined {
  if (!decision) return undefined;
  const by = t(`dataset.by.${decision.by}`);
  const { reason } = decision;
  switch (reason.why) {
    case "good":
      return t("dataset.reason.good", { by });
    case "scored":
      return t("dataset.reason.scored", { by, percent: reason.percent, asked: reason.asked });
    case "rejected":
      return t("dataset.reason.rejected", { by, what: rejections(reason.categories) });
  }
}

/** Why a picture is taken for a copy. */
export function likenessLabel({ alike, dct, gradient }: Schemas["Likeness"]): string {
  const what = t(`dataset.alike.${alike}`);
  return alike === "pixels" ? what : t("dataset.alike.bits", { what, dct, gradient });
}

export function sourceLabel({ source }: Picture): string {
  switch (source.from) {
    case "generated":
      return t("dataset.from.generated");
    case "upload":
      return source.name ? t("dataset.from.upload", { name: source.name }) : t("dataset.from.unnamed");
    case "video":
      return t("dataset.from.video", { name: source.name, time: timecode(source.at_ms) });
    case "url":
      return source.at_ms == null
        ? t("dataset.from.url", { name: source.title || source.url })
        : t("dataset.from.urlAt", { name: source.title || source.url, time: timecode(source.at_ms) });
    case "comfy":
      return t("dataset.from.comfy", { server: source.server, name: source.name });
    case "still":
      return t("dataset.from.still", { shot: source.shot });
    case "inbox":
      return t("dataset.from.inbox", { name: source.name });
  }
}

/** Why a picture was asked for. */
export function askedLabel(why: Schemas["PictureWhy"] | null | undefined): string | undefined {
  switch (why?.what) {
    case undefined:
      return undefined;
    case "missing": {
      const { approved, results, arm } = why.arm;
      const what = t("dataset.whyAsked.missing", {
        ...{ axis: axisLabel(why.axis), value: axisWord(why.axis, why.word) },
        ...{ have: why.have, want: why.want },
      });
      const worked = results ? t("dataset.armOf", { approved, n: results }) : t("dataset.whyAsked.untried");
      return `${what}; ${armLabel(arm)}: ${worked}`;
    }
    case "repair": {
      const { approved, tried } = why.helped;
      const what = t("dataset.whyAsked.repair", {
        ...{ repair: word("repair", why.repair), category: word("rejection", why.category) },
      });
      return `${what}: ${tried ? t("dataset.helpedOf", { approved, n: tried }) : t("dataset.whyAsked.untried")}`;
    }
    case "said":
      return why.text;
  }
}

/** A change of settings: `cfg+1` as "CFG +1". */
export function armLabel(arm: string): string {
  if (!arm) return t("dataset.ownSettings");
  const [, name, value] = /^([a-z_]+?)([+-]?[\d.]+)$/.exec(arm) ?? [];
  if (!name || !value) return humanize(arm);
  // What is no step from the model's own is a strength.
  const strength = name === "reference" || name === "lora";
  return `${word("knob", name)} ${strength ? value.replace(/^[+-]/, "") : value.replace("-", "−")}`;
}

/** What is missing before a model learns well. */
export function missingLabel({ need, have }: Schemas["Missing"]): string {
  const what = need.words?.length ? listed(need.words.map((one) => axisWord(need.axis, one))) : axisLabel(need.axis);
  return need.pictures
    ? t("dataset.missing.pictures", { what, have, want: need.pictures })
    : t("dataset.missing.different", { what, have, want: need.different ?? 0 });
}

/** Whether a model can be trained on it, in one sentence. */
export function readinessLabel(readiness: Schemas["Readiness"]): string {
  if (!readiness.ready) return t("dataset.notReady", { have: readiness.approved, least: readiness.least });
  const missing = readiness.missing.map(missingLabel);
  return missing.length ? t("dataset.stiff", { what: missing.join("; ") }) : t("dataset.ready");
}
