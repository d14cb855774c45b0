/** Why a LoRA file cannot be used, in the language of the page. */

import { t } from ".";
import type { Schemas } from "../api/client";
import { number } from "./format";

export function loraFault(fault: Schemas["LoraFault"]): string {
  switch (fault.why) {
    case "unreadable":
      return t("loras.fault.unreadable", fault);
    case "short":
    case "not_a_header":
      return t("loras.fault.none");
    case "long":
      return t("loras.fault.long", { bytes: number(fault.bytes) });
    case "impossible":
      return t("loras.fault.impossible", fault);
    case "cut":
      return t("loras.fault.cut", { missing: number(fault.missing) });
    case "trailing":
      return t("loras.fault.trailing", { bytes: number(fault.bytes) });
  }
}
