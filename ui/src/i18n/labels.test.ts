import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { speak } from ".";
import { jobLabel, shotLabel } from "./labels";

afterEach(() => speak("en"));

const shot = { scene: 2, shot: 3 };
/** One of every kind. */
const jobs: Schemas["Work"][] = [
  { job: "voice", ...shot, line: 4 },
  { job: "take", ...shot, subject: "clip", take: 1 },
  { job: "review", ...shot, subject: "still", take: 2 },
  { job: "gate", ...shot, subject: "still" },
  { job: "normalise", ...shot },
  { job: "music", scene: 1 },
  { job: "mix", scene: 1 },
  { job: "scene_film", scene: 1 },
  { job: "sound" },
  { job: "film" },
  { job: "artwork" },
  { job: "library" },
  { job: "golden", number: 4 },
  { job: "portraits", number: 2 },
  { job: "picture", character: "a", picture: "b" },
  { job: "picture_review", character: "a", picture: "b" },
  { job: "portrait", owner: { of: "location", id: "a" }, portrait: "b" },
  { job: "portrait_review", owner: { of: "character", id: "a" }, portrait: "b" },
  { job: "training_slice", character: "a", training: "b", to: 3 },
  { job: "training_probe", character: "a", probe: "b" },
  { job: "training_probe_review", character: "a", probe: "b" },
];

it("says what a task makes as people do, in both languages", async () => {
  expect(jobs.map(jobLabel)).toEqual([
    "Scene 2, shot 3: line 4",
    "Scene 2, shot 3: clip, take 1",
    "Scene 2, shot 3: still, review 2",
    "Scene 2, shot 3: still",
    "Scene 2, shot 3: master",
    "Scene 1: music",
    "Scene 1: mix",
    "Scene 1: film",
    "Sound",
    "Film",
    "Artwork",
    "Library",
    "Golden 4",
    "Reference sheet 2",
    "Dataset picture",
    "Dataset picture, review",
    "Portrait",
    "Portrait, review",
    "Training up to epoch 3",
    "Picture that compares epochs",
    "Picture that compares epochs, review",
  ]);
  await speak("de");
  expect(jobs.map(jobLabel)).toEqual([
    "Szene 2, Einstellung 3: Dialogzeile 4",
    "Szene 2, Einstellung 3: Clip, Take 1",
    "Szene 2, Einstellung 3: Standbild, Gutachten 2",
    "Szene 2, Einstellung 3: Standbild",
    "Szene 2, Einstellung 3: Master",
    "Szene 1: Musik",
    "Szene 1: Mischung",
    "Szene 1: Film",
    "Ton",
    "Film",
    "Titelbild",
    "Mediathek",
    "Prüfbild 4",
    "Referenzblatt 2",
    "Datensatzbild",
    "Datensatzbild, Gutachten",
    "Porträt",
    "Porträt, Gutachten",
    "Training bis Epoche 3",
    "Vergleichsbild",
    "Vergleichsbild, Gutachten",
  ]);
});

it("says where a shot is, in both languages", async () => {
  expect(shotLabel(2, 3)).toBe("Scene 2, shot 3");
  await speak("de");
  expect(shotLabel(2, 3)).toBe("Szene 2, Einstellung 3");
});

it("says a kind of work it does not know as it is", () => {
  const unknown = { job: "colour_grade", scene: 1 } as unknown as Schemas["Work"];
  expect(jobLabel(unknown)).toBe("Scene 1: Colour grade");
});
