import { afterEach, expect, it } from "vitest";
import type { Schemas } from "../api/client";
import { speak } from ".";
import { faultLabel, ingestLabel, ingestName, shareOf } from "./ingest";

afterEach(() => speak("en"));

/** One of every kind. */
const faults: Schemas["IngestFault"][] = [
  { why: "no_video" },
  { why: "damaged", said: "39 of 240" },
  { why: "no_pictures" },
  { why: "outside", from_ms: 80_000, length_ms: 62_000 },
  { why: "small", size: { width: 160, height: 120 }, least: 256 },
  { why: "nothing" },
  { why: "gone" },
  { why: "disk_full" },
  { why: "house", host: "10.0.0.1" },
  { why: "unknown_host", host: "nowhere.example" },
  { why: "no_program", program: "yt-dlp" },
  { why: "live" },
  { why: "long", seconds: 4000, most: 1800 },
  { why: "large", most_mib: 2048 },
  { why: "slow", seconds: 3600 },
  { why: "refused", how: "login" },
  { why: "refused", how: "private" },
  { why: "refused", how: "unavailable" },
  { why: "refused", how: "region" },
  { why: "refused", how: "too_often" },
  { why: "refused", how: "protected" },
  { why: "refused", how: "forbidden" },
  { why: "refused", how: "unsupported" },
  { why: "refused", how: "format" },
  { why: "no_file" },
  { why: "broken", said: "odd" },
];

it("says why a video came to nothing, each in its own words and in both languages", async () => {
  const english = faults.map(faultLabel);
  expect(new Set(english).size).toBe(faults.length);
  expect([english[3], english[4]]).toEqual([
    "The range begins at 1 min, 20 sec, and the video is 1 min, 2 sec long.",
    "Its pictures have 160×120 pixels; each side needs at least 256.",
  ]);
  await speak("de");
  const german = faults.map(faultLabel);
  expect(german.filter((text, n) => text === english[n])).toEqual([]);
});

it("says how far a video is and what came of it", () => {
  const ingest = (more: object) =>
    ({
      source: { from: "video", name: "film.mp4" },
      state: "running",
      progress: { step: "look", done: 30, of: 120 },
      counts: { arrived: 0, duplicates: 0, refused: 0 },
      ...more,
    }) as Schemas["Ingest"];
  expect([
    ingestLabel(ingest({ state: "waiting" })),
    ingestLabel(ingest({})),
    ingestLabel(ingest({ progress: { step: "fetch", done: 7, of: 0 } })),
    ingestLabel(ingest({ progress: { step: "take", done: 2, of: 9 } })),
    ingestLabel(ingest({ state: "done", counts: { arrived: 3, duplicates: 1, refused: 2 } })),
    ingestLabel(ingest({ state: "cancelled", counts: { arrived: 1, duplicates: 0, refused: 0 } })),
    ingestLabel(ingest({ state: "failed", fault: { why: "live" } })),
  ]).toEqual([
    "Waits for its turn",
    "Is looked through: 25%",
    "Is fetched: 0%",
    "Frames are taken: 2 of 9",
    "3 new pictures, 1 was there already, 2 could not be used",
    "Stopped: 1 new picture",
    "It is still going on. Wait until it is over.",
  ]);
  expect([shareOf({ step: "look", done: 30, of: 120 }), shareOf({ step: "fetch", done: 7, of: 0 })]).toEqual([0.25, 0]);
  const rights = { may_use: true, at: 0, licence: "" };
  const fetched = (title: string) => ingest({ source: { from: "url", url: "https://a.example/b", title, rights } });
  expect([ingestName(ingest({})), ingestName(fetched("")), ingestName(fetched("A walk"))]).toEqual([
    "film.mp4",
    "https://a.example/b",
    "A walk",
  ]);
});
