/** What is to be said about a film, or about how a part of it was made, in words. */

import type { Schemas } from "../api/client";
import { videoEngineValues } from "../api/enums";
import { t, word } from ".";
import { axisLabel, listed } from "./dataset";
import { number, percent } from "./format";
import { jobLabel } from "./labels";
import { faultLabel, gateLabel, known, unknown, type Words } from "./reasons";

const seconds = (ms: number) => t("reasons.remark.seconds", { n: number(ms / 1000, 1) });
const engine = (one: Schemas["VideoEngine"]) => (known(videoEngineValues, one) ? t(`videoEngine.${one}`) : one);

function fitLabel(fit: Schemas["Fit"]): Words {
  switch (fit.how) {
    case "hurried":
      return t("reasons.remark.hurried", { times: number(fit.speed / 1000, 2), asked: seconds(fit.asked_ms) });
    case "extended":
      return t("reasons.remark.extended", { asked: seconds(fit.asked_ms), needs: seconds(fit.needs_ms) });
    default:
      return unknown(fit);
  }
}

function routeLabel({ missing, by, engine: name, rule }: Schemas["RouteReason"]): Words {
  const asked = missing ? `${t("reasons.remark.notConfigured", { engine: engine(missing) })}: ` : "";
  if (rule === "stands_in") return `${asked}${t("reasons.remark.standsIn", { engine: name })}`;
  const why = word("reasons.remark.rule", rule);
  return `${asked}${by ? t("reasons.remark.routed", { engine: engine(by), why }) : t("reasons.remark.drafted", { why })}`;
}

function overruledLabel(character: string, by: Schemas["Overruled"]): Words {
  switch (by.by) {
    case "by_sheet":
      return t("reasons.remark.by_sheet", { character });
    case "by_episode":
      return t("reasons.remark.by_episode", { character, season: by.season, episode: by.episode });
    default:
      return unknown(by);
  }
}

/** That the judge agrees too little with people. */
export function judgeLabel(warning: Schemas["JudgeWarning"]): Words {
  const { share, takes } = warning;
  switch (warning.warning) {
    case "low":
      return t("reasons.remark.judgeLow", { share: percent(share), n: takes, kappa: number(warning.kappa, 2) });
    case "fallen":
      return t("reasons.remark.judgeFallen", { share: percent(share), n: takes, before: percent(warning.before) });
    default:
      return unknown(warning);
  }
}

function remarkWords(remark: Schemas["FilmRemark"]): Words {
  switch (remark.remark) {
    case "said":
      return remark.text;
    case "screenplay":
      return t("reasons.remark.screenplay", { line: remark.line, message: remark.message });
    case "replaces":
      return t("reasons.remark.replaces", { title: remark.title });
    case "overruled":
      return overruledLabel(remark.character, remark.by);
    case "given_left_out":
    case "source_left_out":
    case "no_voice":
      return t(`reasons.remark.${remark.remark}`, { what: jobLabel(remark.job) });
    case "draft_speaks":
      return t("reasons.remark.draft_speaks", { what: jobLabel(remark.job), why: remark.why });
    case "recording":
      return `${jobLabel(remark.job)}: ${remark.said}`;
    case "misheard":
      return t("reasons.remark.misheard", { what: jobLabel(remark.job), share: percent(remark.percent / 100) });
    case "no_music":
    case "no_sound":
      return t(`reasons.remark.${remark.remark}`, { n: remark.scene });
    case "draft_plays":
      return t("reasons.remark.draft_plays", { n: remark.scene, why: remark.why });
    case "silent":
      return t("reasons.remark.silent");
    case "held":
      return t("reasons.remark.held", { what: jobLabel(remark.job), short: seconds(remark.short_ms) });
    case "fitted":
      return of(remark.job, fitLabel(remark.fit));
    case "routed":
      return of(remark.job, routeLabel(remark.route));
    case "begun_anew":
      return of(remark.job, t("reasons.remark.begun_anew", { n: remark.drifted }));
    case "goes_on":
      return of(remark.job, t("reasons.remark.goes_on", { n: remark.from }));
    case "from_dataset":
      return of(remark.job, t("reasons.remark.from_dataset", { what: listed(remark.agrees.map(axisLabel)) }));
    case "settings": {
      const origin = ({ setting, value, takes }: Schemas["SettingOrigin"]) =>
        takes == null
          ? t("reasons.remark.asYouSet", { setting, value })
          : t("reasons.remark.asTaught", { setting, value, n: takes });
      return `${remark.model}: ${listed(remark.settings.map(origin))}`;
    }
    case "gate":
      return of(remark.job, gateLabel(remark.reason));
    case "not_made": {
      const why = faultLabel(remark.fault, "");
      return why && t("reasons.remark.not_made", { what: jobLabel(remark.job), why });
    }
    case "not_in_library": {
      const why = faultLabel(remark.fault, "");
      return why && t("reasons.remark.not_in_library", { why });
    }
    case "no_portrait":
      return t("reasons.remark.no_portrait", {
        name: remark.subject.name,
        why: word("reasons.remark.portrait", remark.why),
      });
    case "lora_left_out":
      return t("reasons.remark.lora_left_out", {
        name: remark.character,
        file: remark.file,
        base: remark.base,
      });
    case "style_left_out":
      return t("reasons.remark.style_left_out", { file: remark.file, base: remark.base });
    case "lora_unknown":
      return t("reasons.remark.lora_unknown", { name: remark.name });
    case "given_up":
      return faultLabel(remark.fault, "");
    case "judge":
      return judgeLabel(remark.warning);
    default:
      return unknown(remark);
  }
}

const of = (job: Schemas["Work"], words: Words): Words => words && `${jobLabel(job)}: ${words}`;

/** What is to be said; `said` is the studio's own sentence. */
export const remarkLabel = (remark: Schemas["FilmRemark"], said: string): string => remarkWords(remark) || said;
