import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref } from "vue";
import { Problem } from "../api/client";
import { useToasts } from "../stores/toasts";
import { useAutosave } from "./useAutosave";

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
});
afterEach(() => vi.useRealTimers());

function open(keep: (value: { text: string }, tag?: string) => Promise<unknown>) {
  const there = ref<{ text: string }>({ text: "one" });
  const tag = ref("1");
  const again = vi.fn(() => Promise.resolve());
  const editing = effectScope().run(() => useAutosave(there, tag, keep, again))!;
  return { there, tag, again, ...editing };
}

it("keeps what was written when it stops changing, once", async () => {
  const keep = vi.fn(() => Promise.resolve());
  const { mine, state } = open(keep);
  mine.value!.text = "t";
  await nextTick();
  await vi.advanceTimersByTimeAsync(1000);
  mine.value!.text = "two";
  await nextTick();
  await vi.advanceTimersByTimeAsync(1199);
  expect(keep).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(keep.mock.calls).toEqual([[{ text: "two" }, "1"]]);
  expect(state.value).toBe("kept");
});

it("never writes over what somebody else wrote meanwhile", async () => {
  const { mine, there, tag, state, again } = open(() => Promise.reject(new Problem("changed", 412, "changed")));
  again.mockImplementation(() => {
    there.value = { text: "theirs" };
    tag.value = "2";
    return Promise.resolve();
  });
  mine.value!.text = "mine";
  await nextTick();
  await vi.advanceTimersByTimeAsync(1200);
  await nextTick();
  expect(mine.value).toEqual({ text: "theirs" });
  expect(state.value).toBe("kept");
  expect(useToasts().toasts.length).toBe(1);
});

it("does not throw away what is being written when newer data comes", async () => {
  const { mine, there } = open(() => Promise.resolve());
  mine.value!.text = "mine";
  await nextTick();
  there.value = { text: "theirs" };
  await nextTick();
  expect(mine.value).toEqual({ text: "mine" });
});

it("keeps what is written while the last is on its way, after it and with the newer tag", async () => {
  const sent: [string, string | undefined][] = [];
  let arrive = () => undefined as void;
  const { mine, there, tag, again } = open((value, seen) => {
    sent.push([value.text, seen]);
    return new Promise<void>((done) => (arrive = done));
  });
  again.mockImplementation(() => {
    there.value = { text: sent.at(-1)![0] };
    tag.value = String(Number(tag.value) + 1);
    return Promise.resolve();
  });
  mine.value!.text = "two";
  await nextTick();
  await vi.advanceTimersByTimeAsync(1200);
  mine.value!.text = "three";
  await nextTick();
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toEqual([["two", "1"]]);
  arrive();
  await vi.advanceTimersByTimeAsync(1200);
  expect(sent).toEqual([
    ["two", "1"],
    ["three", "2"],
  ]);
  arrive();
  await vi.advanceTimersByTimeAsync(0);
  expect(mine.value).toEqual({ text: "three" });
});
