/** Numbers, lengths and times as the reader's language and country write them; all by `Intl`. */

import { computed } from "vue";
import { LANGUAGES, language, type Language } from ".";

type Length = Partial<Record<"hours" | "minutes" | "seconds", number>>;
type DurationFormat = new (locale: string, options: { style: "short" }) => { format(length: Length): string };

/** Where the browser has one; its types are not in TypeScript's library yet. */
const native = (Intl as { DurationFormat?: DurationFormat }).DurationFormat;

/** What `Intl.DurationFormat` is specified to do, for browsers and Node.js that have none: units in a list. */
class ListedDuration {
  constructor(
    private readonly locale: string,
    private readonly options: { style: "short" },
  ) {}
  format(length: Length): string {
    const parts = Object.entries(length).map(([units, value]) => {
      const unit = units.slice(0, -1);
      return new Intl.NumberFormat(this.locale, { style: "unit", unit, unitDisplay: this.options.style }).format(value);
    });
    return new Intl.ListFormat(this.locale, { type: "unit", style: this.options.style }).format(parts);
  }
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How one locale writes; `timeZone` is the browser's unless a test says another. */
export function formats(locale: string, timeZone?: string, Duration: DurationFormat = native ?? ListedDuration) {
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", timeZone });
  const dayAndTime = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone,
  });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "short", timeZone });
  const utcDay = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const weekday = new Intl.DateTimeFormat(locale, { weekday: "short", timeZone: "UTC" });
  const since = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  const lengths = new Duration(locale, { style: "short" });
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const significant = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const celsius = new Intl.NumberFormat(locale, { style: "unit", unit: "celsius", maximumFractionDigits: 0 });

  /** A number with so many digits after the point. */
  const number = (value: number, digits = 0) =>
    digits
      ? new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
      : whole.format(value);
  /** A moment, in milliseconds of Unix time: the hour when it is today, else the day too. */
  const dateTime = (ms: number, now = Date.now()) =>
    (date.format(ms) === date.format(now) ? time : dayAndTime).format(ms);

  return {
    number,
    dateTime,
    /** The day of a UTC midnight. */
    utcDay: (ms: number) => utcDay.format(ms),
    /** Monday is 0. */
    // The first of January 2024 was one.
    weekday: (day: number) => weekday.format(Date.UTC(2024, 0, 1 + day)),
    /** 90 000 ms as "1 min, 30 sec": two units at most, and no seconds from ten minutes on. */
    duration(ms: number): string {
      const seconds = Math.max(0, Math.round(ms / 1000));
      const minutes = Math.floor(seconds / 60);
      if (minutes < 1) return lengths.format({ seconds });
      if (minutes < 60)
        return lengths.format(seconds % 60 && minutes < 10 ? { minutes, seconds: seconds % 60 } : { minutes });
      const hours = Math.floor(minutes / 60);
      return lengths.format(minutes % 60 ? { hours, minutes: minutes % 60 } : { hours });
    },
    /** How long ago; from two days on the moment itself. */
    ago(ms: number, now = Date.now()): string {
      const past = Math.max(0, now - ms);
      if (past < MINUTE) return since.format(0, "second");
      if (past < HOUR) return since.format(-Math.floor(past / MINUTE), "minute");
      if (past < 2 * DAY) return since.format(-Math.floor(past / HOUR), "hour");
      return dateTime(ms, now);
    },
    /** Three significant digits of whatever was measured. */
    significant: (value: number) => significant.format(value),
    /** 0-1 as "45%". */
    percent: (value: number) => share.format(value),
    /** A score, 0-1, as 0-100; "–" when there is none. */
    score: (value: number | null | undefined) => (value == null ? "–" : whole.format(value * 100)),
    /** Binary gigabytes of MiB; `Intl` knows decimal ones only. */
    /** A file's length in bytes. */
    mebibytes: (bytes: number) => `${number(bytes / 2 ** 20, 1)}\u00a0MiB`,
    gibibytes: (mib: number) => `${number(mib / 1024, 1)}\u00a0GiB`,
    watts: (value: number) => `${whole.format(value)}\u00a0W`,
    celsius: (value: number) => celsius.format(value),
  };
}

/** The browser's own variant of a language, e.g. `en-US`, else the usual one. */
export function localeOf(language: Language, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.split("-")[0] === language && tag.includes("-")) ?? LANGUAGES[language].region;
}

const here = computed(() => formats(localeOf(language.value, navigator.languages)));
type Formats = ReturnType<typeof formats>;
/** Reads the language when it is called, so that what is shown changes with it. */
const now =
  <K extends keyof Formats>(name: K) =>
  (...values: Parameters<Formats[K]>): string =>
    (here.value[name] as (...values: Parameters<Formats[K]>) => string)(...values);

export const number = now("number");
export const dateTime = now("dateTime");
export const utcDay = now("utcDay");
export const weekday = now("weekday");
export const duration = now("duration");
export const ago = now("ago");
export const significant = now("significant");
export const percent = now("percent");
export const score = now("score");
export const gibibytes = now("gibibytes");
export const mebibytes = now("mebibytes");
export const watts = now("watts");
export const celsius = now("celsius");

/** 74 000 ms as "1:14", the same in every language. */
export function timecode(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Season and number as libraries write them, e.g. "S01E12". */
export function episodeCode(season: number, number: number): string {
  return `S${String(season).padStart(2, "0")}E${String(number).padStart(2, "0")}`;
}
