/** What is happening now: the line to the studio, how far tasks are, and which answers are no longer true. */

import { useQueryClient } from "@tanstack/vue-query";
import { defineStore } from "pinia";
import { computed, reactive, ref, shallowRef } from "vue";
import type { Schemas } from "../api/client";
import { listen, type Listening, type LiveProgress } from "../api/live";

/** Answers are asked for anew at most this often while much happens, in milliseconds. */
const CALM = 1500;

/** Which answers an event makes untrue, by the first word of its kind. */
const TOUCHES: Record<string, string[]> = {
  task: [
    "episodes",
    "episode",
    "shot",
    "takes",
    "tasks",
    "task",
    "fleet",
    "plan",
    "history",
    "decisions",
    "dataset",
    "portraits",
    "trainings",
  ],
  take: ["episodes", "episode", "shot", "takes"],
  fleet: ["fleet", "plan"],
  episode: ["episodes", "episode", "screenplay", "projects", "project", "characters", "locations", "shot-pictures"],
  project: ["projects", "project", "episodes"],
  character: ["project", "character", "characters", "voices", "training-candidates"],
  location: ["project", "location", "locations"],
  story: ["stories"],
  dataset: ["dataset", "shot-pictures", "training-preview", "training-candidates"],
  ingest: ["ingests"],
  picture: [
    "dataset",
    "picture",
    "pictures",
    "unnamed",
    "copies",
    "shot-pictures",
    "training-preview",
    "training-candidates",
  ],
  portrait: ["portraits", "character", "characters", "location", "locations", "project"],
  training: ["trainings", "training", "training-preview", "training-candidates", "decisions"],
  lora: ["kept-loras", "loras", "trainings", "training", "training-candidates"],
};

export const useLive = defineStore("live", () => {
  const queries = useQueryClient();
  const there = ref(true);
  const known = ref(false);
  const tasks = reactive(new Map<string, LiveProgress>());
  const away = reactive(new Map<string, { said: string; because: Schemas["Away"][] }>());
  const pictures = reactive(new Map<string, string>());
  const watchers = new Map<symbol, string[]>();
  /** Pictures of datasets that came or changed, as they are told together; `all`: nobody knows which. */
  const changed = shallowRef<{ pictures: ReadonlySet<string>; all: boolean }>({ pictures: new Set(), all: false });
  let line: Listening | undefined;

  let stale = new Set<string>();
  let touched = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = 0;

  function flush() {
    timer = undefined;
    last = Date.now();
    const now = stale;
    stale = new Set();
    if (touched.size) changed.value = { pictures: touched, all: false };
    touched = new Set();
    for (const key of now) void queries.invalidateQueries({ queryKey: [key] });
  }
  function touch(keys: string[]) {
    for (const key of keys) stale.add(key);
    // The first one at once, the rest together.
    timer ??= setTimeout(flush, Math.max(30, CALM - (Date.now() - last)));
  }

  function forget(task: string) {
    const old = pictures.get(task);
    if (old) URL.revokeObjectURL(old);
    pictures.delete(task);
  }
  const wanted = () => [...new Set([...watchers.values()].flat())];
  /** Watches the pictures of these tasks as `who`; an empty list ends it. */
  function watch(who: symbol, tasks: string[]) {
    if (tasks.length) watchers.set(who, tasks);
    else watchers.delete(who);
    for (const task of [...pictures.keys()]) if (!wanted().includes(task)) forget(task);
    line?.watch(wanted());
  }

  function start() {
    line = listen({
      line(now) {
        there.value = now;
        if (now) known.value = true;
      },
      begin() {
        tasks.clear();
        changed.value = { pictures: new Set(), all: true };
        void queries.invalidateQueries();
      },
      event(event) {
        if (event.kind.startsWith("task.")) {
          tasks.delete(event.subject);
          forget(event.subject);
        }
        if (event.kind.startsWith("picture.")) touched.add(event.subject);
        touch(TOUCHES[event.kind.split(".")[0] ?? ""] ?? []);
      },
      progress(moved) {
        for (const one of moved) {
          // Who looks at the queue must see that it has begun.
          if (!tasks.has(one.task)) touch(["tasks", "fleet", "episodes", "trainings"]);
          tasks.set(one.task, one);
        }
      },
      engine(engine, now) {
        if (now) away.set(engine, now);
        else away.delete(engine);
        touch(["fleet"]);
      },
      picture(task, picture) {
        forget(task);
        pictures.set(task, URL.createObjectURL(picture));
      },
    });
    line.watch(wanted());
    return () => line?.stop();
  }

  return { there, known, tasks, away, pictures, changed, watch, start, busy: computed(() => tasks.size > 0) };
});
