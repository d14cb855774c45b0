import { afterEach, expect, it } from "vitest";
import { speak } from ".";
import { jobLabel } from "./labels";

afterEach(() => speak("en"));

it("says what a task makes as people do, in both languages", async () => {
  const paths = [
    "scene 2/shot 3/clip/take 1",
    "scene 1/music",
    "film",
    "scene 1/shot 2/line 3",
    "golden/4",
    "odd 7",
    "",
  ];
  expect(paths.map(jobLabel)).toEqual([
    "Scene 2, shot 3: clip, take 1",
    "Scene 1: music",
    "Film",
    "Scene 1, shot 2: line 3",
    "Golden 4",
    "Odd 7",
    "",
  ]);
  await speak("de");
  expect(jobLabel("scene 2/shot 3/clip/take 1")).toBe("Szene 2, Einstellung 3: Clip, Take 1");
});
