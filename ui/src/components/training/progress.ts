/** How far a run is. */

import type { Schemas } from "../../api/client";

type Plan = Pick<Schemas["TrainingPlan"], "epochs" | "epoch_steps">;
type Card = { seats: readonly Pick<Schemas["SeatView"], "engine" | "inside">[] };
type Standing = { training: { state: Schemas["TrainingState"]; plan: Plan }; done: number };

/** Steps a slice should have, as the studio reckons: of small epochs it has several. */
const SLICE_STEPS = 100;

/** Something is still made for it. */
export const isOpen = (state: Schemas["TrainingState"]): boolean => state === "training" || state === "probing";

/** Epochs of the slice that runs, when so many are done. */
export function sliceEpochs({ epochs, epoch_steps }: Plan, done: number): number {
  return Math.max(0, Math.min(Math.max(1, Math.ceil(SLICE_STEPS / Math.max(1, epoch_steps))), epochs - done));
}

/** Share of all epochs that is trained, 0-1, with what is done of the slice that runs. */
export function shareOf({ training, done }: Standing, sliceDone: number): number {
  const { plan } = training;
  const running = training.state === "training" ? sliceDone * sliceEpochs(plan, done) : 0;
  return Math.min(1, Math.max(0, (done + running) / Math.max(1, plan.epochs)));
}

/** Milliseconds of training that are left, by what a step took; undefined where nobody knows. */
export function leftMs(run: Standing, sliceDone: number, stepMs?: number | null): number | undefined {
  if (run.training.state !== "training" || !stepMs) return undefined;
  const { epochs, epoch_steps } = run.training.plan;
  return (1 - shareOf(run, sliceDone)) * epochs * epoch_steps * stepMs;
}

/** The engine that trains. */
const TRAINER = "trainer";

/** The card a slice is trained on: where this task is, else where trainings are. */
export function trainingCard<C extends Card>(cards: readonly C[], task: string): C | undefined {
  const trains = cards.filter(({ seats }) => seats.some(({ engine }) => engine === TRAINER));
  const has = ({ seats }: C) => seats.some(({ inside }) => inside.some((one) => one.task === task));
  return trains.find(has) ?? trains[0];
}
