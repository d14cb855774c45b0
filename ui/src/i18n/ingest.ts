/** What is said of videos on their way into a dataset, in words. */

import type { Schemas } from "../api/client";
import { t } from ".";
import { duration, percent } from "./format";

type Ingest = Schemas["Ingest"];

/** What it is called. */
export function ingestName({ source }: Pick<Ingest, "source">): string {
  return source.from === "video" ? source.name : source.title || source.url;
}

/** How much of the step it is at is done, 0-1; 0 where nobody knows how much there is. */
export function shareOf({ done, of }: Schemas["IngestProgress"]): number {
  return of ? Math.min(1, done / of) : 0;
}

/** How it stands, in one sentence. */
export function ingestLabel(ingest: Ingest): string {
  const { progress, counts } = ingest;
  switch (ingest.state) {
    case "waiting":
      return t("ingest.waiting");
    case "running":
      if (progress.step === "take") return t("ingest.take", { done: progress.done, of: progress.of });
      return t(`ingest.${progress.step}`, { done: percent(shareOf(progress)) });
    case "failed":
      return ingest.fault ? faultLabel(ingest.fault) : "";
    case "cancelled":
      return [t("ingest.cancelled"), cameOf(counts)].filter(Boolean).join(": ");
    case "done":
      return cameOf(counts);
  }
}

/** "3 new pictures, 1 was there already". */
function cameOf({ arrived, duplicates, refused }: Schemas["IngestCounts"]): string {
  return [
    t("ingest.done", { n: arrived }),
    duplicates && t("ingest.known", { n: duplicates }),
    refused && t("ingest.unusable", { n: refused }),
  ]
    .filter(Boolean)
    .join(", ");
}

/** Why it came to nothing. */
export function faultLabel(fault: Schemas["IngestFault"]): string {
  switch (fault.why) {
    case "refused":
      return t(`ingest.refusal.${fault.how}`);
    case "damaged":
    case "broken":
      return t(`ingest.fault.${fault.why}`, { said: fault.said });
    case "outside":
      return t("ingest.fault.outside", { from: duration(fault.from_ms), length: duration(fault.length_ms) });
    case "small":
      return t("ingest.fault.small", { size: `${fault.size.width}×${fault.size.height}`, least: fault.least });
    case "house":
    case "unknown_host":
      return t(`ingest.fault.${fault.why}`, { host: fault.host });
    case "no_program":
      return t("ingest.fault.no_program", { program: fault.program });
    case "long":
      return t("ingest.fault.long", { length: duration(fault.seconds * 1000), most: duration(fault.most * 1000) });
    case "large":
      return t("ingest.fault.large", { most: fault.most_mib });
    case "slow":
      return t("ingest.fault.slow", { length: duration(fault.seconds * 1000) });
    default:
      return t(`ingest.fault.${fault.why}`);
  }
}
