import { afterEach, expect, it } from "vitest";
import { speak } from ".";
import { asksPerson, jobLabel } from "./labels";

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
it("tells a shot that waits for a person from one that could not be made", () => {
  const reason = "a person must look at this shot: no take has a score: not reviewed";
  const asks = ["scene 1/shot 2/still", "scene 1/shot 2/clip", "scene 1/shot 2/clip/take 1", "film"].map((slot) =>
    asksPerson({ slot, reason }),
  );
  expect(asks).toEqual([true, true, false, false]);
  expect(asksPerson({ slot: "scene 1/shot 2/clip", reason: "cannot be made without scene 1/shot 2/still" })).toBe(
    false,
  );
});
