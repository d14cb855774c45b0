/** The LoRAs a shot asks for, as a text: `red dress 60%, rain`. */

import type { Schemas } from "../../api/client";

type Ask = Schemas["LoraAsk"];

/** How strongly it acts, at the end of a name; with a space before the sign as other languages write it. */
const STRENGTH = /^(.+) (\d{1,4}) ?%$/;

/** What is asked for. What is no such strength stays with the name, and the studio says what is wrong with it. */
export function lorasOf(text: string): Ask[] {
  const parts = text.split(",").map((part) => part.trim().replace(/\s+/g, " "));
  return parts.filter(Boolean).map((part) => {
    const [, name, strength] = STRENGTH.exec(part) ?? [];
    return name ? { name, strength: Number(strength) } : { name: part };
  });
}

export function lorasText(asks: readonly Ask[]): string {
  return asks.map(({ name, strength }) => (strength == null ? name : `${name} ${strength}%`)).join(", ");
}
