/** What was decided, and why, in words. */

import type { Schemas } from "../api/client";
import { t, word } from ".";
import { askedLabel, decisionLabel as verdictLabel, listed, pauseLabel } from "./dataset";
import { dateTime, duration, percent } from "./format";
import { causeLabel, gateLabel, partLabel, rungLabel, unknown, type Words } from "./reasons";
import { judgeLabel, remarkLabel } from "./remarks";
import { choiceWords } from "./training";

/** Why models change. */
export type SwapReason =
  | { kind: "room" | "nothing_left" | "class" | "turn" | "late" | "pinned" }
  | { kind: "patience"; waited_ms: number }
  | { kind: "feeds"; card: string }
  | { kind: "ahead"; in_ms: number };

export interface SwapPlan {
  card: string;
  model: string;
  unload: { seat: string; model: string }[];
  why: SwapReason;
  waiting: number;
  cost_ms: number;
  saves_ms: number;
}

/** What decisions are made from, by their kind; a row of an earlier studio may lack any of it. */
interface Inputs {
  from?: Schemas["GateReason"];
  rung?: Schemas["Rung"];
  message?: string;
  seat?: string;
  until?: number;
  cause?: Schemas["Cause"];
  slot?: string;
  job?: Schemas["Work"];
  hand?: Schemas["OverrideAction"];
  approved?: Schemas["Checkpoint"];
  shots?: number;
  pause?: Schemas["DatasetPause"];
  tried?: Schemas["Tried"];
  reason?: Schemas["Reason"];
  remark?: Schemas["FilmRemark"];
  warning?: Schemas["JudgeWarning"] | null;
  share?: number;
  takes?: number;
  choice?: Schemas["TrainingChoice"];
}

function swapWhy(why: SwapReason): Words {
  switch (why.kind) {
    case "room":
    case "nothing_left":
    case "class":
    case "turn":
    case "late":
    case "pinned":
      return t(`reasons.swap.why.${why.kind}`);
    case "patience":
      return t("reasons.swap.why.patience", { time: duration(Math.abs(why.waited_ms)) });
    case "feeds":
      return t("reasons.swap.why.feeds", { card: why.card });
    case "ahead":
      return t("reasons.swap.why.ahead", { time: duration(why.in_ms) });
    default:
      return unknown(why);
  }
}

function swapLabel({ card, model, unload, why, waiting, cost_ms, saves_ms }: SwapPlan): Words {
  const because = swapWhy(why);
  if (!because) return undefined;
  const what = unload.length
    ? t("reasons.swap.instead", { model, card, gone: listed(unload.map((one) => one.model)) })
    : t("reasons.swap.comes", { model, card });
  const cost = t("reasons.swap.cost", { n: waiting, time: duration(cost_ms) });
  const saves = saves_ms > 0 ? `, ${t("reasons.swap.saves", { time: duration(saves_ms) })}` : "";
  return `${what}: ${because}; ${cost}${saves}`;
}

function handLabel({ hand, approved, shots, slot, job }: Inputs): Words {
  if (approved === "pictures" || approved === "clips") return t(`reasons.approved.${approved}`, { n: shots ?? 0 });
  switch (hand?.do) {
    case undefined:
      return undefined;
    case "lock":
    case "release":
    case "another":
    case "put":
    case "from":
      return t(`reasons.hand.${hand.do}`, { what: partLabel({ slot: slot ?? "", job }) });
    default:
      return unknown(hand);
  }
}

type Decision = Pick<Schemas["Decision"], "kind" | "inputs" | "outcome" | "reason" | "created">;

function decided({ kind, created, ...rest }: Decision): Words {
  const inputs = rest.inputs as Inputs;
  switch (kind) {
    case "gate":
      return inputs.from ? gateLabel(inputs.from) : undefined;
    case "memory": {
      const next = inputs.rung && rungLabel(inputs.rung);
      if (!next) return undefined;
      return inputs.message
        ? t("reasons.cause.card_full", { message: inputs.message, next })
        : t("reasons.cardFull", { next });
    }
    case "swap":
      return swapLabel(rest.inputs as SwapPlan);
    case "quarantine": {
      // Without what went wrong it would be no reason.
      const why = inputs.cause && causeLabel(inputs.cause);
      if (!inputs.seat || !inputs.until || !why) return undefined;
      return t("reasons.quarantine", { seat: inputs.seat, time: dateTime(inputs.until), why });
    }
    case "hand":
      return handLabel(inputs);
    case "replenish":
      return inputs.pause ? pauseLabel(inputs.pause) : askedLabel(inputs.tried?.why);
    case "picture": {
      const { reason } = inputs;
      return reason && verdictLabel({ decision: { by: "judge", at: created, reason, note: "" } });
    }
    case "training":
      return inputs.choice && choiceWords(inputs.choice);
    case "order":
      // An earlier studio kept the sentence only.
      return inputs.remark && remarkLabel(inputs.remark, rest.reason);
    case "judge":
      if (inputs.warning) return judgeLabel(inputs.warning);
      if (inputs.share == null || inputs.takes == null) return undefined;
      return t("reasons.remark.judgeAgrees", { share: percent(inputs.share), n: inputs.takes });
    default:
      return unknown(kind);
  }
}

/** Why it was decided. */
export function decisionLabel(decision: Decision): string {
  try {
    return decided(decision) ?? decision.reason;
  } catch {
    // What it was decided from is of another studio, and of another shape.
    return decision.reason;
  }
}

/** What was decided, in a word. */
export function outcomeLabel({ kind, inputs, outcome }: Decision): string {
  const { rung, hand, approved } = (inputs ?? {}) as Inputs;
  switch (kind) {
    case "swap":
      return outcome;
    case "gate":
    case "order":
      return word("stage", outcome);
    case "memory":
      return (rung && rungLabel(rung)) ?? outcome;
    case "hand":
      return approved ? t("reasons.outcome.checkpoint") : word("reasons.outcome", hand?.do ?? outcome);
    default:
      return word("reasons.outcome", outcome.replaceAll(" ", "_"));
  }
}
