/** What a task makes, in words. */

import type { Schemas } from "../api/client";
import { t, word } from ".";

/** `scene 2/shot 3/clip/take 1` as "Scene 2, shot 3: clip, take 1". */
export function jobLabel(path: string): string {
  if (!path) return "";
  // `golden/4` numbers by a part of its own.
  const parts = path
    .replace(/\/(\d+)$/, " $1")
    .split("/")
    .map((part) => part.split(" "));
  const where = parts.filter(([what, n]) => n && (what === "scene" || what === "shot"));
  const what = parts.filter((part) => !where.includes(part));
  const say = (all: string[][]) => all.map(([name = "", n]) => word("job", name, n)).join(", ");
  const text = where.length && what.length ? `${say(where)}: ${say(what)}` : say([...where, ...what]);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Age and gender of a character, e.g. "Adult, female". */
export function personLabel(profile: Schemas["CharacterProfile"]): string {
  const text = `${t(`age.${profile.age}`)}, ${t(`gender.${profile.gender}`)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}
