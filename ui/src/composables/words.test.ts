import { expect, it } from "vitest";
import { asksPerson, clock, episodeCode, length, percent, place, title } from "./words";
import { fill, t } from "../texts";

it("says lengths as people do", () => {
  expect([0, 999, 59_400, 90_000, 3_600_000, 5_400_000, 12 * 60_000].map(length)).toEqual([
    "0 s",
    "1 s",
    "59 s",
    "1 min 30 s",
    "1 h",
    "1 h 30 min",
    "12 min",
  ]);
  expect([clock(74_000), clock(3_000)]).toEqual(["1:14", "0:03"]);
});
it("writes codes, scores and words one way", () => {
  expect([episodeCode(1, 12), percent(0.456), percent(null), title("bad_anatomy")]).toEqual([
    "S01E12",
    "46",
    "–",
    "Bad anatomy",
  ]);
});
it("fills the gaps of texts, and leaves none", () => {
  expect(fill(t.review.left, { n: 3 })).toBe("3 left");
  expect(fill("{a} {b}", { a: 1 })).toBe("1 {b}");
});
it("says where a task stands as people do", () => {
  expect(["scene 2/shot 3/clip/take 1", "scene 1/music", "film", "scene 1/shot 2/line 3", ""].map(place)).toEqual([
    "Scene 2, shot 3: clip, take 1",
    "Scene 1: music",
    "Film",
    "Scene 1, shot 2: line 3",
    "",
  ]);
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
