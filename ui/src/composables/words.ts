/** Numbers and times in words, the same everywhere. */

const hours = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const days = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** 90_000 as "1 min 30 s". */
export function length(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 && minutes < 10 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const whole = Math.floor(minutes / 60);
  return minutes % 60 ? `${whole} h ${minutes % 60} min` : `${whole} h`;
}

/** 74_000 as "1:14". */
export function clock(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A moment: the hour when it is today, else the day too. */
export function moment(ms: number, now = Date.now()): string {
  const same = new Date(ms).toDateString() === new Date(now).toDateString();
  return (same ? hours : days).format(ms);
}

export function ago(ms: number, now = Date.now()): string {
  const past = now - ms;
  if (past < 60_000) return "just now";
  if (past < 48 * 3_600_000) return `${length(past).replace(/ \d+ s$/, "")} ago`;
  return moment(ms, now);
}

export function gib(mib: number): string {
  return `${(mib / 1024).toFixed(1)} GiB`;
}

export function percent(score: number | null | undefined): string {
  return score === null || score === undefined ? "–" : `${Math.round(score * 100)}`;
}

/** `close-up` as "Close-up", `bad_anatomy` as "Bad anatomy". */
export function title(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `scene 2/shot 3/clip/take 1` as "Scene 2, shot 3: clip, take 1". */
export function place(slot: string): string {
  const parts = slot.split("/");
  const where = parts.filter((part) => /^(scene|shot) \d+$/.test(part));
  const what = parts.filter((part) => !where.includes(part)).map((part) => part.replaceAll("_", " "));
  const text = where.length && what.length ? `${where.join(", ")}: ${what.join(", ")}` : [...where, ...what].join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A failed task that only a person can decide: nobody could judge any take of its shot. */
export function asksPerson(task: { slot: string; reason: string }): boolean {
  return /\/(still|clip)$/.test(task.slot) && task.reason.startsWith("a person must look");
}

export function episodeCode(season: number, number: number): string {
  return `S${String(season).padStart(2, "0")}E${String(number).padStart(2, "0")}`;
}
