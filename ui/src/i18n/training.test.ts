import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { speak, t } from ".";
import {
  anewLabel,
  askedByLabel,
  candidateLabel,
  changeLabel,
  choiceWords,
  estimateLabels,
  trainingLabel,
} from "./training";

afterEach(() => speak("en"));

const choice: Schemas["TrainingChoice"] = {
  active: false,
  by_person: false,
  epoch: null,
  strength: 80,
  why: { why: "not_shown" },
  ranked: [],
};

it("says that no pictures compare the epochs, in both languages", async () => {
  const training = { state: "needs_person", paused: false, choice } as Schemas["Training"];
  expect(trainingLabel({ training, said: "the studio says it in English" })).toBe(
    "The model of stills takes no such LoRA, so no pictures compare the epochs: choose one.",
  );
  await speak("de");
  expect(choiceWords(choice)).toBe(
    "Das Standbild-Modell nimmt keine solche LoRA, also vergleichen keine Bilder die Epochen: Wähle eine aus.",
  );
});

it("reckons with no comparison where there is none", () => {
  const estimate = { training_ms: 60_000, comparing_ms: 60_000, bytes: 0 } as Schemas["TrainingEstimate"];
  const names = (compared: boolean) => estimateLabels(estimate, compared).map(([name]) => name);
  expect(names(true)).toEqual(["Training", "Comparing epochs", "Energy", "Room on the disk"]);
  expect(names(false)).toEqual(["Training", "Energy", "Room on the disk"]);
});

it("says what a change makes anew, now and from then on", async () => {
  const view = (shots: number, character_id: string | null = "a") =>
    ({ shots, episodes: 2, lora: { character_id } }) as Schemas["KeptLoraView"];
  expect(anewLabel(view(0))).toBe("No shot that is there would be made anew.");
  const now = "12 shots in 2 episodes would be made anew when they are produced again.";
  expect(changeLabel(view(12), { strength: 70 })).toBe(now);
  expect(changeLabel(view(12), { name: "red dress" })).toBe(
    `${now} Shots that ask for “red dress” are made with it from then on.`,
  );
  expect(changeLabel(view(0), { name: "" })).toBe(
    "Every shot that shows this character alone is made with it from then on.",
  );
  expect(changeLabel(view(0, null), { name: "" })).toBe("Every shot of the project is made with it from then on.");
  await speak("de");
  expect(changeLabel(view(1), { name: "Regen" })).toBe(
    "1 Einstellung in 2 Folgen würden neu entstehen, wenn sie wieder produziert werden. Einstellungen, die „Regen“ verlangen, entstehen von da an mit ihr.",
  );
});

it("says what a LoRA is asked for by, and how", () => {
  expect([
    askedByLabel({ name: "", instead: false }),
    askedByLabel({ name: "red dress", instead: false }),
    askedByLabel({ name: "as a child", instead: true }),
  ]).toEqual([
    "",
    "Only where a screenplay asks for “red dress”",
    "Only where a screenplay asks for “as a child”, in place of the usual one",
  ]);
  expect(t("training.nameHint", { name: "red dress" })).toContain(
    "a scene asks for it by [[lora: red dress 60%]], a shot by [[shot: lora: red dress]].",
  );
});

it("says in short what a character lacks for a LoRA", () => {
  const need = (word: string) => ({ need: { axis: "framing", words: [word], pictures: 3, different: 0 }, have: 1 });
  const missing = ["face", "bust", "half", "full", "far"].map(need);
  const label = (ready: boolean, of: typeof missing) =>
    candidateLabel({ readiness: { ready, approved: ready ? 20 : 4, least: 15, missing: of } });
  expect(label(true, [])).toBe("A model can be trained on it.");
  expect(label(false, missing)).toBe("A model needs 15 approved pictures; there are 4.");
  const short = label(true, missing);
  expect(short.startsWith("A LoRA can be trained, but it would be stiff. Missing: ")).toBe(true);
  expect([short.match(/\(1 of 3\)/g)?.length, short.endsWith("; 2 more")]).toEqual([3, true]);
  expect(label(true, missing.slice(0, 3))).not.toContain("more");
});
