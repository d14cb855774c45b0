import { expect, it } from "vitest";
import { expected, gridOf } from "./coverage";

const axes = [
  {
    name: "framing",
    crossed: true,
    values: [
      { word: "face", share: 40, without: ["pose"] },
      { word: "full", share: 60 },
    ],
  },
  {
    name: "angle",
    crossed: true,
    values: [
      { word: "front", share: 75 },
      { word: "back", share: 25, without: ["expression"] },
    ],
  },
  {
    name: "expression",
    crossed: true,
    values: [
      { word: "smile", share: 1 },
      { word: "sad", share: 1 },
    ],
  },
  { name: "pose", values: [{ word: "standing", share: 1 }] },
];

it("reckons how many pictures should show what, as the studio does", () => {
  const share = (cell: Record<string, string>) => Math.round(expected(axes, cell) * 1000) / 1000;
  expect(share({})).toBe(1);
  expect(share({ framing: "face" })).toBe(0.4);
  expect(share({ framing: "face", angle: "back" })).toBe(0.1);
  // Half of what is not from behind smiles.
  expect(share({ expression: "smile" })).toBe(0.375);
  expect(share({ angle: "back", expression: "smile" })).toBe(0);
  expect(share({ pose: "standing" })).toBe(0.6);
  expect(share({ framing: "face", pose: "standing" })).toBe(0);
});

it("counts the first two crossed axes against each other", () => {
  const shown: Record<string, string>[] = [
    { framing: "face", angle: "front", expression: "smile" },
    { framing: "face", angle: "front" },
    { framing: "full" },
    { framing: "full", angle: "back" },
  ];
  const grid = gridOf(axes, shown, 20)!;
  expect([grid.rows.name, grid.columns.name]).toEqual(["framing", "angle"]);
  expect(grid.cells.map((row) => row.map((one) => [one.have, Math.round(one.want)]))).toEqual([
    [
      [2, 6],
      [0, 2],
    ],
    [
      [0, 9],
      [1, 3],
    ],
  ]);
  expect(gridOf(axes.slice(1, 2), shown, 20)).toBeUndefined();
});
