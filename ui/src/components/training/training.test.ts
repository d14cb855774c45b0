import { expect, it } from "vitest";
import type { Schemas } from "../../api/client";
import { compared } from "./compared";
import { curveOf } from "./curve";
import { judged, rowsOf, strengths } from "./probes";
import { leftMs, shareOf, sliceEpochs, trainingCard } from "./progress";
import { changeOf, saidOf } from "./said";

let ids = 0;
const probe = (contender: Schemas["Contender"], at: number, state: Schemas["ProbeState"] = "judged") =>
  ({ id: `p${ids++}`, training_id: "t", contender, case: at, state, created: 0 }) as Schemas["Probe"];
const epoch = (epoch: number, strength = 80): Schemas["Contender"] => ({ who: "epoch", epoch, strength });
const active: Schemas["Contender"] = { who: "active", lora: "l", strength: 80 };
const without: Schemas["Contender"] = { who: "without" };

it("puts who was compared downwards and what they show across", () => {
  const probes = [
    probe(epoch(10), 0),
    probe(epoch(2), 2),
    probe(epoch(2, 60), 0),
    probe(active, 1),
    probe(epoch(2), 0),
    probe(without, 2),
    // A case the plan no longer has.
    probe(without, 9),
  ];
  const estimate = { score: 0.7, error: 0.1 } as Schemas["Ranked"]["estimate"];
  const rows = rowsOf(probes, 3, { epoch: 2, strength: 80, ranked: [{ contender: epoch(2), estimate }] });
  expect(rows.map(({ key }) => key)).toEqual(["without", "active l 80", "epoch 2 60", "epoch 2 80", "epoch 10 80"]);
  expect(rows.map(({ cells }) => cells.map((one) => (one ? 1 : 0)).join(""))).toEqual([
    "001",
    "010",
    "100",
    "101",
    "100",
  ]);
  expect(rows.map(({ chosen }) => chosen)).toEqual([false, false, false, true, false]);
  expect(rows.map((row) => row.estimate?.score)).toEqual([undefined, undefined, undefined, 0.7, undefined]);
  expect(rowsOf(probes, 3).some(({ chosen }) => chosen)).toBe(false);
  expect(rowsOf([], 3, null)).toEqual([]);
});

it("counts the pictures that are through, and offers the strengths there are", () => {
  const states = ["asked", "made", "judged", "failed"] as const;
  expect(judged(states.map((state) => probe(without, 0, state)))).toEqual({ n: 2, of: 4 });
  expect([strengths(), strengths(90), strengths(80)]).toEqual([
    [60, 80, 100],
    [60, 80, 90, 100],
    [60, 80, 100],
  ]);
});

it("draws the loss of all epochs as one line", () => {
  const losses = (...pairs: [number, number][]) => pairs.map(([step, loss]) => ({ step, loss }));
  const reports = [
    { losses: losses([1, 0.5], [51, 0.3]), held_out_loss: 0.4 },
    { losses: losses([76, Number.NaN], [101, 0.1]) },
  ];
  const curve = curveOf(reports, 100, 108)!;
  expect(curve.points).toBe("0,4 50,54 100,104");
  expect(curve.ends).toEqual([50, 100]);
  expect(curve.held).toEqual([{ x: 50, y: 29 }]);
  expect([curve.steps, curve.first, curve.last, curve.least, curve.most]).toEqual([101, 0.5, 0.1, 0.1, 0.5]);
  // One that never changes is a line in the middle.
  expect(curveOf([{ losses: losses([1, 0.2], [2, 0.2]) }], 10, 20)!.points).toBe("0,10 10,10");
  expect([curveOf([], 10, 10), curveOf([{ losses: losses([1, 0.2]) }], 10, 10)]).toEqual([undefined, undefined]);
});

it("knows how far a run is, within an epoch too", () => {
  const run = (state: Schemas["TrainingState"], done: number, epoch_steps = 160) => ({
    training: { state, plan: { epochs: 10, epoch_steps } },
    done,
  });
  expect([sliceEpochs({ epochs: 10, epoch_steps: 160 }, 0), sliceEpochs({ epochs: 10, epoch_steps: 30 }, 0)]).toEqual([
    1, 4,
  ]);
  expect(sliceEpochs({ epochs: 10, epoch_steps: 30 }, 8)).toBe(2);
  expect(shareOf(run("training", 3), 0.5)).toBeCloseTo(0.35);
  expect(shareOf(run("training", 4, 30), 0.5)).toBeCloseTo(0.6);
  expect(shareOf(run("probing", 10), 0.5)).toBe(1);
  expect(shareOf(run("cancelled", 3), 0.5)).toBeCloseTo(0.3);
  expect(leftMs(run("training", 5), 0, 1000)).toBeCloseTo(800_000);
  expect([leftMs(run("training", 5), 0), leftMs(run("done", 10), 0, 1000)]).toEqual([undefined, undefined]);
});

it("lays two runs side by side and says in what they differ", () => {
  const run = (settings: Record<string, unknown>, epoch: number, score: number) => ({
    training: {
      state: "done",
      relief: [],
      plan: {
        trainer: "sd-scripts",
        base: "/m/base.safetensors",
        pictures: [{}, { held_out: true }],
        epochs: 10,
        epoch_steps: 16,
        settings,
      },
      choice: {
        epoch,
        strength: 80,
        ranked: [
          {
            contender: { who: "epoch", epoch, strength: 80 },
            estimate: { score, error: 0.1, identity: 0.9, faithful: 0.8 },
          },
        ],
      },
    } as unknown as Schemas["Training"],
    epochs: [{ report: { epoch, losses: [{ step: 1, loss: 0.4 }] } as unknown as Schemas["SliceReport"] }],
  });
  const rows = compared(run({ rank: 16, seed: 1 }, 6, 0.61), run({ rank: 32, seed: 1, own: "x" }, 8, 0.72));
  const of = (name: string) => rows.find((row) => row.name === name);
  expect(of("Base model")).toEqual({
    name: "Base model",
    values: ["base.safetensors", "base.safetensors"],
    differs: false,
  });
  expect(of("Pictures")?.values).toEqual(["1", "1"]);
  expect(of("Score")).toMatchObject({ values: ["0.61 ± 0.10", "0.72 ± 0.10"], differs: true });
  expect(of("Rank")).toMatchObject({ values: ["16", "32"], differs: true });
  expect(of("own")?.values).toEqual(["", "x"]);
  expect(rows.some(({ name }) => name.startsWith("Seed"))).toBe(false);
  // Nobody knows: nothing is said.
  expect(of("Loss on held-out pictures")).toBeUndefined();
});

it("finds the card a slice is trained on", () => {
  const card = (name: string, engine: string, ...tasks: string[]) => ({
    name,
    seats: [
      { engine, inside: tasks.map((task) => ({ task, class: "background" as const, early: false, usual_ms: 0 })) },
    ],
  });
  const comfy = card("amd0", "comfy", "t");
  const [idle, busy] = [card("amd1", "trainer"), card("nvidia0", "trainer", "t")];
  expect(trainingCard([comfy, idle, busy], "t")?.name).toBe("nvidia0");
  // What the fleet told is older than the slice.
  expect(trainingCard([comfy, idle], "t")?.name).toBe("amd1");
  expect(trainingCard([comfy], "t")).toBeUndefined();
});

it("sends only what somebody changed of a LoRA, and nothing that is no such word or number", () => {
  const lora = { trigger: "anna", strength: 80, name: "", instead: false, character_id: "a" };
  const change = (more: object, of = lora) => changeOf(of, { ...saidOf(of), ...more });
  expect([change({}), change({ trigger: " anna ", name: "  " })]).toEqual([{}, {}]);
  expect(change({ strength: 70, name: " red   dress ", instead: true })).toEqual({
    strength: 70,
    name: "red dress",
    instead: true,
  });
  expect([change({ trigger: "a, b" }), change({ strength: "" }), change({ strength: 201 })]).toEqual([{}, {}, {}]);
  // Only one with a name, of a character, can stand in for the usual one.
  expect(change({ instead: true })).toEqual({});
  expect(change({ name: "" }, { ...lora, name: "child", instead: true })).toEqual({ name: "", instead: false });
  expect(changeOf({ ...lora, character_id: null }, { ...saidOf(lora), name: "rain", instead: true })).toEqual({
    name: "rain",
  });
});
