import { afterEach, beforeEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { speak } from ".";
import { checkedLabel, findingLabel } from "./findings";

beforeEach(() => speak("de"));
afterEach(() => speak("en"));

type Found = Schemas["Found"];
/** What the studio says; a page in German never shows it of what it knows. */
const said = "the studio says it in English";
const [root, title, why, url, path] = ["/tv", "Folge", "EIO", "http://box:1", "/loras/a.safetensors"];
const nearby = { found: "nearby", purpose: "music", port: 8001 } as const;
const broken = { found: "file_broken", hash: "0f3a", made: true, marked: true } as const;

/** Examples of everything that can be found: one that the contract gains does not compile until it is here. */
const all: Record<Exclude<Found["found"], "said">, Found[]> = {
  card: [{ found: "card", name: "RTX", slot: "0000:01:00.0", free_mib: 2048, total_mib: 4096, power_w: 90 }],
  no_card: [{ found: "no_card" }],
  unknown_engine: [{ found: "unknown_engine", engine: "comfi", known: ["comfy", "media"] }],
  unknown_card: [{ found: "unknown_card", slot: "0000:02:00.0", seen: ["0000:01:00.0"] }],
  unused: [{ found: "unused", why }],
  workflows: [{ found: "workflows", server: "box", version: "0.3", ready: 3, all: 36 }],
  no_answer: [{ found: "no_answer", server: "box", why }],
  settings_read: [{ found: "settings_read" }],
  database_ready: [{ found: "database_ready" }],
  disk: [true, false].map((little) => ({ found: "disk", root, free_bytes: 3 * 2 ** 30, little })),
  disk_unknown: [{ found: "disk_unknown", root, why }],
  no_library: [{ found: "no_library" }],
  library: [true, false].map((there) => ({ found: "library", root, there })),
  models: [
    { found: "models", models: ["gemma3"], loaded: [] },
    { found: "models", card: "amd0", models: ["gemma3"], loaded: ["gemma3"] },
  ],
  away: [{ found: "away", because: { because: "incapable", model: "wan" } }],
  eyes: [true, false].map((sees) => ({ found: "eyes", model: "gemma3", sees })),
  answers: [{ found: "answers", url }],
  another: [{ found: "another", url, route: "/models" }],
  key_refused: [{ found: "key_refused", url }],
  nearby: [nearby, { ...nearby, status: 200 }, { ...nearby, status: 404 }],
  elements: [{ found: "elements", version: "GStreamer 1.26", count: 40 }],
  fonts: [0, 12].map((faces) => ({ found: "fonts", faces })),
  no_voices: [{ found: "no_voices" }],
  rows_fit: [{ found: "rows_fit" }],
  files_whole: [{ found: "files_whole", count: 7 }],
  file_broken: [broken, { ...broken, why, made: false }, { ...broken, marked: false }],
  episodes_whole: [{ found: "episodes_whole", count: 2 }],
  library_away: [{ found: "library_away", title, root }],
  episode_lacks: [{ found: "episode_lacks", title, root, files: ["a.mp4"] }],
  episode_changed: [{ found: "episode_changed", title, root }],
  loras_whole: [{ found: "loras_whole", count: 2 }],
  lora_changed: [{ found: "lora_changed", path }],
  unreadable: [{ found: "unreadable", path, why }],
};
const finding = (found: Found): Schemas["Finding"] => ({ what: "data", verdict: "good", found, said });

it("says what was found in the reader's language", async () => {
  const findings = Object.values(all).flat().map(finding);
  const german = findings.map(findingLabel);
  expect(german).not.toContain(said);
  await speak("en");
  const english = findings.map(findingLabel);
  // What a card is called is the same in both.
  const same = findings.filter(({ found }, at) => found.found !== "card" && german[at] === english[at]);
  expect(same).toEqual([]);
  expect(findingLabel(finding({ found: "disk", root, free_bytes: 3 * 2 ** 30, little: true }))).toBe(
    "Only 3.0\u00a0GiB free at /tv; a long episode needs more",
  );
});

it("leaves what it does not know in the studio's words", () => {
  expect(findingLabel(finding({ found: "solar_flare" } as never))).toBe(said);
  expect(findingLabel(finding({ found: "said", text: "" }))).toBe(said);
  expect(["database", "ACE-Step", "solar_flare"].map(checkedLabel)).toEqual(["Datenbank", "ACE-Step", "Solar flare"]);
});
