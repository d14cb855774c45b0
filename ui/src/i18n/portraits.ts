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

/** What is made before a film begins: what the settings say, nothing, or views somebody chooses. */
export type PortraitsFirst = "house" | "off" | "views";

/** How the studio is told that; nothing is said where the settings are to decide, and to choose no view is to want none. */
export function portraitsBefore(first: PortraitsFirst, views: string[]): string | undefined {
  if (first === "house") return undefined;
  return (first === "views" && views.join(",")) || "off";
}
