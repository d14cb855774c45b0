import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { speak } from ".";
import {
  armLabel,
  cellLabel,
  decisionLabel,
  readinessLabel,
  sourceLabel,
  standing,
  toneOf,
  waitLabel,
} from "./dataset";

afterEach(() => speak("en"));

const at = Date.UTC(2030, 0, 2);
const waits: [Schemas["Wait"] | null, string][] = [
  [null, "live"],
  [{ why: "off" }, "calm"],
  [{ why: "paused", pause: { why: "person", at } }, "warn"],
  [{ why: "paused", pause: { why: "rejections", count: 5, common: "not_solo", at } }, "warn"],
  [{ why: "paused", pause: { why: "rejections", count: 5, common: null, at } }, "warn"],
  [{ why: "paused", pause: { why: "vain", count: 30, at } }, "warn"],
  [{ why: "paused", pause: { why: "hopeless", cells: 4, at } }, "warn"],
  [{ why: "at_target", approved: 21, target: 20 }, "good"],
  [{ why: "in_flight", pictures: 1 }, "live"],
  [{ why: "pending", awaiting: 3, unjudged: 0, most: 3 }, "warn"],
  [{ why: "pending", awaiting: 0, unjudged: 1, most: 3 }, "live"],
  [{ why: "pending", awaiting: 2, unjudged: 1, most: 3 }, "warn"],
  [{ why: "judge_away", unjudged: 3 }, "warn"],
  [{ why: "studio", filling: 2 }, "calm"],
  [{ why: "disk" }, "warn"],
  [{ why: "energy" }, "calm"],
  [{ why: "daily", asked: 0, until: at }, "calm"],
  [{ why: "daily", asked: 10, until: at }, "calm"],
  [{ why: "cooldown", until: at }, "calm"],
];

it("says why nothing is made now, in both languages, and loudly where a person is wanted", async () => {
  const english = waits.map(([wait]) => waitLabel(wait));
  expect(english[3]).toBe("It rests: 5 in a row were rejected, most of them for “Not alone”.");
  expect([english[7], english[8], english[11]]).toEqual([
    "There are enough: 21 of 20 are approved.",
    "1 picture is being made.",
    "Waiting for you: 2, for the judge: 1.",
  ]);
  expect(new Set(english).size).toBe(waits.length);
  expect(waits.map(([wait]) => toneOf(wait))).toEqual(waits.map(([, tone]) => tone));
  await speak("de");
  const german = waits.map(([wait]) => waitLabel(wait));
  expect(german[3]).toBe("Er ruht: 5 wurden nacheinander abgelehnt, die meisten wegen „Nicht allein“.");
  expect(german.filter((text, n) => text === english[n])).toEqual([]);
});

const picture = (more: object) => ({ state: "pending", cell: {}, ...more }) as Schemas["Picture"];

it("says how a picture stands, who decided it and where it is from", () => {
  const verdict = { judge: "draft.judge", reason: "", marks: [] };
  const all = [{}, { verdict }, { verdict, duplicate_of: "x" }, { state: "approved" }, { state: "rejected" }];
  expect(all.map((one) => standing(picture(one)))).toEqual(["unjudged", "awaiting", "copy", "approved", "rejected"]);
  const decision = (by: string, reason: object) => decisionLabel(picture({ decision: { by, at, reason } }));
  expect([
    decision("person", { why: "good" }),
    decision("judge", { why: "scored", percent: 91, asked: 80 }),
    decision("person", { why: "rejected", categories: ["blurry", "too_dark"] }),
    decisionLabel(picture({})),
  ]).toEqual(["You: good", "The judge: 91 of 100, 80 asked for", "You: Blurry and Too dark", undefined]);
  const source = (from: object) => sourceLabel(picture({ source: from }));
  expect([
    source({ from: "generated" }),
    source({ from: "upload", name: "a.jpg" }),
    source({ from: "upload", name: "" }),
    source({ from: "video", name: "b.mp4", at_ms: 74_000 }),
    source({ from: "still", shot: "S01E02 scene 3 shot 4" }),
    source({ from: "inbox", name: "c.png" }),
  ]).toEqual([
    "made by the studio",
    "a.jpg",
    "sent by you",
    "b.mp4, 1:14",
    "S01E02 scene 3 shot 4",
    "c.png, from the watched folder",
  ]);
});

it("names changes of settings, cells and what is missing as people do", () => {
  expect(["", "cfg+1", "cfg-1", "steps+10", "reference-0.5", "lora-0.8", "new thing"].map(armLabel)).toEqual([
    "The model's own",
    "CFG +1",
    "CFG −1",
    "Steps +10",
    "Reference 0.5",
    "LoRA 0.8",
    "New thing",
  ]);
  const axes = ["framing", "angle", "mood"].map((name) => ({ name, values: [] }));
  expect(cellLabel({ mood: "dark_blue", angle: "side", unknown: "x" }, axes)).toBe("Side, Dark blue");
  const needs = [
    { need: { axis: "framing", words: ["full"], pictures: 3, different: 0 }, have: 1 },
    { need: { axis: "place", words: [], pictures: 0, different: 3 }, have: 2 },
  ];
  expect(readinessLabel({ ready: false, approved: 4, least: 10, missing: needs })).toBe(
    "A model needs 10 approved pictures; there are 4.",
  );
  expect(readinessLabel({ ready: true, approved: 12, least: 10, missing: needs })).toBe(
    "A model can be trained on it, but it would be stiff. Missing: Full body (1 of 3); different: Place (2 of 3).",
  );
  expect(readinessLabel({ ready: true, approved: 12, least: 10, missing: [] })).toBe("A model can be trained on it.");
});
