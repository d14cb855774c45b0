/** What a check found, in words. */

import type { Schemas } from "../api/client";
import { humanize, t, textOr } from ".";
import { listed } from "./dataset";
import { gibibytes, number, watts } from "./format";
import { awayLabel, unknown, type Words } from "./reasons";

type Found = Schemas["Found"];

/** What was looked at; programs are called by their own names. */
export const checkedLabel = (what: string): string => textOr(`checked.${what}`, humanize(what));

/** What was found of it; of a newer studio in its own words. */
export const findingLabel = ({ found, said }: Schemas["Finding"]): string => foundWords(found) ?? said;

const memory = (mib: number | null | undefined) => (mib == null ? "?" : gibibytes(mib));
const MIB = 1024 * 1024;

function nearbyLabel({ purpose, port, status }: Extract<Found, { found: "nearby" }>): string {
  const what = t(`found.purpose.${purpose}`);
  if (status == null) return t("found.nearbyNot", { port, what });
  if (status >= 200 && status < 300) return t("found.nearby", { port, what });
  return t("found.nearbyStatus", { port, status, what });
}

function brokenLabel({ hash, why, made, marked }: Extract<Found, { found: "file_broken" }>): string {
  const what = why ? `${hash}: ${why}` : t("found.fileDamaged", { hash });
  const remedy = t(made ? "found.produceAgain" : "found.bringAgain");
  return `${what}; ${marked ? remedy : t("found.checkFirst", { remedy })}`;
}

function foundWords(one: Found): Words {
  switch (one.found) {
    case "said":
      return one.text || undefined;
    case "card": {
      const { name, slot } = one;
      const card = t("found.card", { name, slot, free: memory(one.free_mib), total: memory(one.total_mib) });
      return one.power_w == null ? card : `${card}, ${watts(one.power_w)}`;
    }
    case "no_card":
    case "settings_read":
    case "database_ready":
    case "no_library":
    case "no_voices":
    case "rows_fit":
      return t(`found.${one.found}`);
    case "unknown_engine":
      return t("found.unknown_engine", { engine: one.engine, known: listed(one.known) });
    case "unknown_card":
      return t("found.unknown_card", { slot: one.slot, seen: listed(one.seen) });
    case "unused":
      return t("found.unused", { why: one.why });
    case "workflows":
      return t("found.workflows", { server: one.server, version: one.version, ready: one.ready, all: one.all });
    case "no_answer":
      return t("found.no_answer", { server: one.server, why: one.why });
    case "disk": {
      const [root, free] = [one.root, gibibytes(one.free_bytes / MIB)];
      return one.little ? t("found.diskLittle", { root, free }) : t("found.disk", { root, free });
    }
    case "disk_unknown":
      return t("found.disk_unknown", { root: one.root, why: one.why });
    case "library":
      return one.there ? t("found.library", { root: one.root }) : t("found.libraryNew", { root: one.root });
    case "models": {
      const answers = one.card ? t("found.modelsOn", { card: one.card }) : t("found.models");
      const loaded = one.loaded.length ? `; ${t("found.loaded", { models: listed(one.loaded) })}` : "";
      return `${answers}: ${listed(one.models)}${loaded}`;
    }
    case "away":
      return awayLabel([one.because], "") || undefined;
    case "eyes":
      return one.sees ? t("found.eyes", { model: one.model }) : t("found.blind", { model: one.model });
    case "answers":
    case "key_refused":
      return t(`found.${one.found}`, { url: one.url });
    case "another":
      return t("found.another", { url: one.url, route: one.route });
    case "nearby":
      return nearbyLabel(one);
    case "elements":
      return t("found.elements", { version: one.version, n: one.count });
    case "fonts":
      return one.faces ? t("found.fonts", { n: number(one.faces) }) : t("found.noFonts");
    case "files_whole":
    case "episodes_whole":
    case "loras_whole":
      return t(`found.${one.found}`, { n: one.count });
    case "file_broken":
      return brokenLabel(one);
    case "library_away":
    case "episode_changed":
      return t(`found.${one.found}`, { title: one.title, root: one.root });
    case "episode_lacks":
      return t("found.episode_lacks", { title: one.title, root: one.root, files: listed(one.files) });
    case "lora_changed":
      return t("found.lora_changed", { path: one.path });
    case "unreadable":
      return t("found.unreadable", { path: one.path, why: one.why });
    default:
      return unknown(one);
  }
}
