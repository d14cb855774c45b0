/** What a person says of a LoRA. */

import type { Schemas } from "../../api/client";

type Lora = Pick<Schemas["KeptLora"], "trigger" | "strength" | "name" | "instead" | "character_id">;
/** As it stands in the fields; a number that is none is an empty text there. */
export type Said = Pick<Lora, "trigger" | "name" | "instead"> & { strength: number | "" };

export const saidOf = ({ trigger, strength, name, instead }: Lora): Said => ({ trigger, strength, name, instead });

/** One space between words, as the studio keeps names. */
const words = (text: string) => text.trim().replace(/\s+/g, " ");

/** What is to change; nothing where a word or a number is none. */
export function changeOf(lora: Lora, said: Said): Schemas["ChangeLora"] {
  const change: Schemas["ChangeLora"] = {};
  const [trigger, name] = [said.trigger.trim(), words(said.name)];
  // What is always used stands in for nothing.
  const instead = said.instead && !!name && !!lora.character_id;
  if (said.strength === "" || !Number.isInteger(said.strength) || said.strength < 1 || said.strength > 200) return {};
  if (trigger.includes(",")) return {};
  if (trigger !== lora.trigger) change.trigger = trigger;
  if (said.strength !== lora.strength) change.strength = said.strength;
  if (name !== lora.name) change.name = name;
  if (instead !== lora.instead) change.instead = instead;
  return change;
}
