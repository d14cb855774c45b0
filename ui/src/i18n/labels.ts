/** What a task makes, in words. */

import type { Schemas } from "../api/client";
import { t, word } from ".";

type Job = Schemas["Work"];

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Scene and shot, counted from 1, e.g. "Scene 2, shot 3". */
export function shotLabel(scene: number, shot: number): string {
  return capital(`${t("job.scene", { n: scene })}, ${t("job.shot", { n: shot })}`);
}

/** A clip's first take as "Scene 2, shot 3: clip, take 1". */
export function jobLabel(job: Job): string {
  const what = made(job);
  if ("shot" in job) return `${shotLabel(job.scene, job.shot)}: ${what}`;
  if ("scene" in job) return `${capital(t("job.scene", { n: job.scene }))}: ${what}`;
  return capital(what);
}

/** What comes of it, without its place. */
function made(job: Job): string {
  switch (job.job) {
    case "voice":
      return t("job.line", { n: job.line });
    case "take":
      return `${t(`job.${job.subject}`)}, ${t("job.take", { n: job.take })}`;
    case "review":
      return `${t(`job.${job.subject}`)}, ${t("job.review", { n: job.take })}`;
    case "gate":
      return t(`job.${job.subject}`);
    case "normalise":
      return t("job.master");
    case "scene_film":
      return t("job.film");
    case "picture":
      return t("job.picture");
    case "picture_review":
      return t("job.pictureReview");
    case "portrait":
      return t("job.portrait");
    case "portrait_review":
      return t("job.portraitReview");
    case "training_slice":
      return t("job.trainingSlice", { n: job.to });
    case "training_probe":
      return t("job.trainingProbe");
    case "training_probe_review":
      return t("job.trainingProbeReview");
    case "golden":
      return t("job.golden", { n: job.number });
    case "portraits":
      return t("job.portraits", { n: job.number });
    default:
      return word("job", job.job);
  }
}

/** Why a person must look at something whatever its score. */
export function mustLookLabel(ask: Schemas["MustLook"]): string {
  switch (ask.why) {
    case "not_human":
      return t("mustLook.not_human", { name: ask.name });
    case "judge_refused":
      return ask.message;
    case "answer_unusable":
      return t("mustLook.answer_unusable", { model: ask.model, complaint: ask.complaint });
    case "said":
      return ask.said;
    default:
      return word("mustLook", ask.why);
  }
}

/** Age and gender of a character, e.g. "Adult, female". */
export function personLabel(profile: Schemas["CharacterProfile"]): string {
  return capital(`${t(`age.${profile.age}`)}, ${t(`gender.${profile.gender}`)}`);
}
