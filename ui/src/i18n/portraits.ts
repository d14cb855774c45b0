/** What is said of portraits, in words. */

import type { Schemas } from "../api/client";
import { t } from ".";
import { decisionLabel } from "./dataset";

type Portrait = Schemas["Portrait"];

/** How a portrait stands: who decided it and why, or what it waits for. */
export function portraitLabel(one: Portrait): string {
  if (one.decision) {
    const said = one.decision.by === "person" ? undefined : decisionLabel(one);
    return said ?? t(`portraits.state.${one.state}`);
  }
  return t(one.verdict ? "portraits.state.pending" : "portraits.state.unjudged");
}
