/**
 * Why something is as it is, in words: what happened to a task, what it waits for, why something is not there, what was
 * decided.
 *
 * The sentence the studio sends along is shown only for what this page does not know: it may be older than the studio.
 */

import type { Schemas } from "../api/client";
import { failureKindValues, rungValues } from "../api/enums";
import { t } from ".";
import { celsius, dateTime, duration, gibibytes, score, watts } from "./format";
import { jobLabel, mustLookLabel } from "./labels";

/** None: the page does not know what it is told. */
export type Words = string | undefined;
type Cause = Schemas["Cause"];

/** What a `switch` over the contract never meets; a newer studio may say it all the same. */
export function unknown(one: never): undefined {
  return void one;
}
export const known = <K extends string>(all: readonly K[], one: string): one is K => all.some((each) => each === one);

/** What a part of an episode is; where an earlier studio told its path only, that is read. */
export function partLabel({ slot, job }: { slot: string; job?: Schemas["Work"] | null }): string {
  const part = job ?? jobAt(slot);
  return part ? jobLabel(part) : slot;
}

/** The part at a path, `scene 1/shot 3/clip/take 2`: only rows of earlier studios come without it as data. */
function jobAt(slot: string): Schemas["Work"] | undefined {
  if (slot === "sound" || slot === "film" || slot === "artwork" || slot === "library") return { job: slot };
  const golden = /^golden\/(\d+)$/.exec(slot);
  if (golden) return { job: "golden", number: Number(golden[1]) };
  const sheet = /^portraits\/(\d+)$/.exec(slot);
  if (sheet) return { job: "portraits", number: Number(sheet[1]) };
  const ofScene = /^scene (\d+)\/(music|mix|film)$/.exec(slot);
  if (ofScene) {
    const job = ofScene[2] === "film" ? "scene_film" : (ofScene[2] as "music" | "mix");
    return { job, scene: Number(ofScene[1]) };
  }
  const [, scene, shot, what, how, n] =
    /^scene (\d+)\/shot (\d+)\/(line|master|still|clip)(?:(?:\/(take|review))? (\d+))?$/.exec(slot) ?? [];
  if (!what) return undefined;
  const place = { scene: Number(scene), shot: Number(shot) };
  if (what === "line") return n && !how ? { job: "voice", ...place, line: Number(n) } : undefined;
  if (what === "master") return n ? undefined : { job: "normalise", ...place };
  const subject = what as Schemas["Subject"];
  if (how) return { job: how as "take" | "review", ...place, subject, take: Number(n) };
  return n ? undefined : { job: "gate", ...place, subject };
}

/** What is done differently because a card was full. */
export function rungLabel(rung: Schemas["Rung"]): Words {
  return known(rungValues, rung) ? t(`reasons.rung.${rung}`) : undefined;
}

const whoLabel = (who: string | null | undefined) => who ?? t("reasons.anotherProgram");

/** Why something rests; `said` is the studio's own sentence. */
function pauseLabel(because: Schemas["PauseReason"] | null | undefined, said: string): string {
  switch (because?.why) {
    case undefined:
      return said;
    case "quiet_hours":
    case "starting":
      return t(`reasons.pause.${because.why}`);
    case "person":
      return because.text ?? t("reasons.pause.person");
    default:
      unknown(because);
      return said;
  }
}

function interruptionLabel(by: Schemas["Interruption"]): Words {
  switch (by.what) {
    case "foreign":
      return t("reasons.interruption.foreign", { who: whoLabel(by.who), card: by.card });
    case "paused":
      return t("reasons.interruption.paused", { why: pauseLabel(by.because, by.why) });
    case "rejected":
      return t("reasons.interruption.rejected");
    default:
      return unknown(by);
  }
}

function speculationLabel(why: Schemas["Speculation"]): Words {
  switch (why.what) {
    case "rejected":
    case "changed":
    case "twin":
      return t(`reasons.speculation.${why.what}`);
    case "input_missing":
      return t("reasons.cause.input_missing", { what: partLabel(why) });
    case "no_engine":
      return t("reasons.speculation.no_engine", { engine: why.engine });
    default:
      return unknown(why);
  }
}

/** Why a person must look, as whoever asks for it says. */
export function lookLabel(why: Schemas["MustLook"] | string): string {
  // What earlier studios decided is kept as the sentence it was.
  return typeof why === "string" ? why : mustLookLabel(why);
}

/** What went wrong; nothing where the page does not know what it is told. */
export function causeLabel(cause: Cause): Words {
  switch (cause.code) {
    case "attempt": {
      // Only the kind has words here: the rest is the engine's own.
      if (!known(failureKindValues, cause.kind)) return undefined;
      const kind = t(`reasons.kind.${cause.kind}`);
      return cause.message ? `${kind}: ${cause.message}` : kind;
    }
    case "interrupted":
      return interruptionLabel(cause.by);
    case "card_full": {
      const next = rungLabel(cause.next);
      return next && t("reasons.cause.card_full", { message: cause.message, next });
    }
    case "card_too_small": {
      const tried = cause.tried.map(rungLabel);
      if (tried.some((rung) => !rung)) return undefined;
      return t("reasons.cause.card_too_small", { message: cause.message, tried: tried.join(", ") });
    }
    case "override_gone":
    case "input_missing":
      return t(`reasons.cause.${cause.code}`, { what: partLabel(cause) });
    case "no_engine":
      return t("reasons.cause.no_engine", { engine: cause.engine });
    case "speculation":
      return speculationLabel(cause.why);
    case "unjudged":
      return t("reasons.cause.unjudged", { said: cause.said ?? t("reasons.notReviewed") });
    case "unseen":
      return t("reasons.cause.unseen", { why: lookLabel(cause.why) });
    case "unexpected":
      return t("reasons.cause.unexpected", { message: cause.message });
    case "cancelled":
      return t("reasons.cause.cancelled");
    default:
      return unknown(cause);
  }
}

function faultWords(fault: Schemas["TaskFault"]): Words {
  const why = causeLabel(fault);
  return why && fault.need ? t("reasons.need", { why }) : why;
}

/** Why a task has no result, or not yet; `said` is the studio's own sentence. */
export const faultLabel = (fault: Schemas["TaskFault"], said: string): string => faultWords(fault) ?? said;

/** How a task stands, and why. */
export function taskLabel({ state, fault, reason }: Pick<Schemas["Task"], "state" | "fault" | "reason">): string {
  if (fault) {
    const why = faultWords(fault);
    return why && state === "waiting" ? t("reasons.later", { why }) : (why ?? reason);
  }
  switch (state) {
    case "waiting":
    case "running":
    case "succeeded":
    case "cancelled":
      return t(`reasons.task.${state}`);
    default:
      // Failed in an earlier studio, which kept the sentence only.
      return reason;
  }
}

function revivalLabel(revival: Schemas["Revival"]): Words {
  switch (revival.how) {
    case "unknown":
    case "restarted":
      return t(`reasons.revival.${revival.how}`);
    case "failed":
      return revival.message;
    default:
      return unknown(revival);
  }
}

function awayWords(away: Schemas["Away"]): Words {
  switch (away.because) {
    case "unasked":
      return away.at ? t("reasons.away.unasked", { at: away.at }) : t("reasons.away.unaskedHere");
    case "unreachable":
    case "unusable":
      return t(`reasons.away.${away.because}`, { message: away.message });
    case "stuck": {
      const done = revivalLabel(away.revival);
      return done && t("reasons.away.stuck", { at: away.at, done });
    }
    case "quarantined":
      return t("reasons.away.quarantined", { name: away.name, message: away.message });
    case "incapable":
      return t("reasons.away.incapable", { model: away.model });
    case "standing_by":
    case "silent":
      return t(`reasons.away.${away.because}`);
    default:
      return unknown(away);
  }
}

/** Why something is not there, process by process; `said` is the studio's own sentence. */
export function awayLabel(because: readonly Schemas["Away"][], said: string): string {
  const words = because.map(awayWords);
  return words.length && words.every((one) => one) ? words.join("; ") : said;
}

function scopeLabel(scope: Schemas["Scope"]): Words {
  switch (scope.what) {
    case "studio":
      return t("reasons.scope.studio");
    case "gpu":
    case "engine":
    case "project":
      return t(`reasons.scope.${scope.what}`, { name: scope.name });
    default:
      return unknown(scope);
  }
}

/** Why a task waits, with the numbers behind it; `said` is the studio's own sentence. */
export const waitLabel = (wait: Schemas["WaitReason"], said: string): string => waitWords(wait) ?? said;

function waitWords(wait: Schemas["WaitReason"]): Words {
  switch (wait.why) {
    case "needs":
      return t("reasons.wait.needs", { n: wait.count });
    case "ahead":
    case "held":
      return t(`reasons.wait.${wait.why}`);
    case "resting":
      return wait.strikes ? t("reasons.wait.resting", { n: wait.strikes }) : t("reasons.wait.restingUnharmed");
    case "paused": {
      const what = scopeLabel(wait.scope);
      return what && t("reasons.wait.paused", { what, why: pauseLabel(wait.because, wait.reason) });
    }
    case "no_engine": {
      const why = awayLabel(wait.because ?? [], wait.reason);
      const { engine } = wait;
      return why ? t("reasons.wait.no_engine", { engine, why }) : t("reasons.wait.engineNeverThere", { engine });
    }
    case "quarantined": {
      const why = (wait.because && causeLabel(wait.because)) ?? wait.reason;
      return t("reasons.wait.quarantined", { seat: wait.seat, why });
    }
    case "no_card": {
      const why = awayLabel(wait.because ? [wait.because] : [], wait.reason);
      return why
        ? t("reasons.wait.no_card", { card: wait.card, why })
        : t("reasons.wait.cardNeverThere", { card: wait.card });
    }
    case "hot":
      return t("reasons.wait.hot", { card: wait.card, now: celsius(wait.now_c), limit: celsius(wait.limit_c) });
    case "power":
      return t("reasons.wait.power", { now: watts(wait.watts), limit: watts(wait.limit) });
    case "yields": {
      const { card, who, foreign_mib } = wait;
      return t("reasons.wait.yields", { card, who: whoLabel(who), used: gibibytes(foreign_mib) });
    }
    case "freed":
      return t("reasons.wait.freed", { card: wait.card, time: dateTime(wait.until) });
    case "too_large":
      return t("reasons.wait.too_large", { need: gibibytes(wait.need_mib), most: gibibytes(wait.most_mib) });
    case "memory":
      return t("reasons.wait.memory", {
        card: wait.card,
        need: gibibytes(wait.need_mib),
        free: gibibytes(wait.free_mib),
        used: gibibytes(wait.foreign_mib),
      });
    case "loading":
      return t("reasons.wait.loading", { model: wait.model, card: wait.card, time: duration(wait.in_ms) });
    case "other_model": {
      const need = t("reasons.wait.other_model", {
        card: wait.card,
        need: gibibytes(wait.need_mib),
        free: gibibytes(wait.free_mib),
      });
      const loaded = wait.loaded && t("reasons.wait.loaded", { model: wait.loaded, n: wait.loaded_has });
      const latest = t("reasons.wait.latest", { time: duration(wait.latest_ms) });
      return `${loaded ? `${need}: ${loaded}` : need}, ${latest}`;
    }
    case "busy": {
      const busy = t("reasons.wait.busy", { engine: wait.engine, running: wait.running, n: wait.ahead });
      return wait.about_ms > 0 ? `${busy}, ${t("reasons.wait.about", { time: duration(wait.about_ms) })}` : busy;
    }
    default:
      return unknown(wait);
  }
}

/** What a gate decided, and why. */
export function gateLabel(from: Schemas["GateReason"]): Words {
  switch (from.why) {
    case "put_in_place":
    case "asked":
      return t(`reasons.gate.${from.why}`);
    case "passed":
    case "best": {
      const what = t(`reasons.gate.${from.why}`, { take: from.take });
      const scored =
        from.score == null ? t("reasons.gate.noScore") : t("reasons.gate.score", { score: score(from.score) });
      const look = from.look ? `; ${t("reasons.gate.look", { why: lookLabel(from.look) })}` : "";
      return `${what}: ${scored}${look}`;
    }
    case "not_passed":
      return t("reasons.gate.not_passed", { take: from.take, said: from.said ?? t("reasons.notReviewed") });
    case "black":
      return t("reasons.gate.black", { take: from.take });
    case "unjudged":
      return t("reasons.gate.unjudged", { said: from.said ?? t("reasons.notReviewed") });
    default:
      return unknown(from);
  }
}
