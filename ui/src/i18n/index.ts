/** What the page says, and in which language: the browser's, or the one a person chose here. */

import { computed } from "vue";
import { createI18n } from "vue-i18n";
import { en, type Texts } from "./en";

/** Languages by what they call themselves, and where they are spoken when the browser names no country. */
export const LANGUAGES = {
  en: { name: "English", region: "en-GB" },
  de: { name: "Deutsch", region: "de-DE" },
} as const;
export type Language = keyof typeof LANGUAGES;

type Leaves<T, Above extends string = ""> = {
  [K in keyof T & string]: T[K] extends string ? `${Above}${K}` : Leaves<T[K], `${Above}${K}.`>;
}[keyof T & string];
/** Where a text stands, e.g. `now.title`. */
export type Key = Leaves<typeof en>;

type At<T, K extends string> = K extends keyof T
  ? T[K]
  : K extends `${infer Group}.${infer Rest}`
    ? Group extends keyof T
      ? At<T[Group], Rest>
      : never
    : never;
type Gaps<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Gaps<Rest> : never;
type Values<K extends Key> = Gaps<At<typeof en, K>>;

// The others are loaded when somebody reads them.
const others: Record<Exclude<Language, "en">, () => Promise<Texts>> = {
  de: () => import("./de").then((module) => module.de),
};

const KEPT = "language";

const i18n = createI18n({
  legacy: false,
  locale: "en" as string,
  fallbackLocale: "en",
  messages: { en } as Record<string, Texts>,
});

/** The language the page speaks now. */
export const language = computed(() => i18n.global.locale.value as Language);

/** The text at a key with its gaps filled. A gap `n` also chooses between one and many. */
export function t<K extends Key>(
  key: K,
  ...values: [Values<K>] extends [never] ? [] : [Record<Values<K>, string | number>]
): string {
  const named: Record<string, string | number> = values[0] ?? {};
  return typeof named.n === "number" ? i18n.global.t(key, named, named.n) : i18n.global.t(key, named);
}

/** The text at `group.word` of a set that may grow: a word that has none is said as it is, `tiled_vae` as "Tiled vae". */
export function word(group: string, word: string, n?: string | number): string {
  const key = `${group}.${word}`;
  if (i18n.global.te(key, "en")) return i18n.global.t(key, { n: n ?? "" });
  return n === undefined ? humanize(word) : `${humanize(word)} ${n}`;
}

/** The text at a key that may have none; then what is said by somebody else. */
export function textOr(key: string, otherwise: string): string {
  return i18n.global.te(key, "en") ? i18n.global.t(key) : otherwise;
}

/** `bad_anatomy` as "Bad anatomy". */
export function humanize(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toLocaleUpperCase(language.value) + text.slice(1);
}

/** The first language of a person's that the page speaks. */
export function chosen(wanted: readonly string[], kept?: string | null): Language {
  const known = (one: string | null | undefined): one is Language => !!one && one in LANGUAGES;
  if (known(kept)) return kept;
  return wanted.map((tag) => tag.split("-")[0]).find(known) ?? "en";
}

/** Speaks another language from now on. When its texts cannot be loaded, the page stays as it is. */
export async function speak(to: Language): Promise<void> {
  if (to !== "en" && !i18n.global.availableLocales.includes(to)) i18n.global.setLocaleMessage(to, await others[to]());
  i18n.global.locale.value = to;
  document.documentElement.lang = to;
}

/** Speaks it, and remembers that somebody wants it so. */
export async function choose(to: Language): Promise<void> {
  await speak(to);
  try {
    localStorage.setItem(KEPT, to);
  } catch {
    // A browser that keeps nothing goes by its own language next time.
  }
}

/** Speaks what this browser's person reads. */
export async function begin(): Promise<void> {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // As above.
  }
  await speak(chosen(navigator.languages, kept)).catch(() => speak("en"));
}
