import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Line, listen } from "./live";

class Socket {
  static all: Socket[] = [];
  onopen?: () => void;
  onmessage?: (message: { data: string }) => void;
  onclose?: () => void;
  constructor(readonly address: string) {
    Socket.all.push(this);
  }
  close() {
    this.onclose?.();
  }
  tell(told: unknown) {
    this.onmessage?.({ data: JSON.stringify(told) });
  }
}
const said: string[] = [];
const hear: Line = {
  line: (there) => said.push(there ? "there" : "gone"),
  begin: () => said.push("begin"),
  event: (event) => said.push(`event ${event.seq}`),
  progress: (tasks) => said.push(`progress ${tasks.length}`),
  engine: (engine, away) => said.push(`${engine} ${away}`),
};
const event = (seq: number) => ({ type: "event", seq, kind: "task.made", subject: "x", body: {}, at: 0 });

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all = [];
  said.length = 0;
});
afterEach(() => vi.useRealTimers());

it("goes on after a broken line where it was, and takes nothing twice", () => {
  const stop = listen(hear, "ws://studio/api/live", Socket as never);
  const [first] = Socket.all;
  first!.onopen!();
  first!.tell({ type: "begin", seq: 7 });
  first!.tell(event(8));
  first!.tell(event(8));
  first!.tell({ type: "progress", tasks: [{}] });
  first!.tell({ type: "engine", engine: "comfy", away: "it is off" });
  first!.close();
  vi.advanceTimersByTime(500);
  expect(Socket.all[1]!.address).toBe("ws://studio/api/live?since=8");
  Socket.all[1]!.onopen!();
  Socket.all[1]!.tell(event(9));
  expect(said).toEqual(["there", "begin", "event 8", "progress 1", "comfy it is off", "gone", "there", "event 9"]);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(Socket.all.length).toBe(2);
});

it("notices a line that has gone silent, and waits longer between tries", () => {
  listen(hear, "ws://studio/api/live", Socket as never);
  Socket.all[0]!.onopen!();
  vi.advanceTimersByTime(44_000);
  Socket.all[0]!.tell({ type: "beat" });
  vi.advanceTimersByTime(44_000);
  expect(said).toEqual(["there"]);
  vi.advanceTimersByTime(1_000);
  expect(said).toEqual(["there", "gone"]);
  for (const ms of [500, 1000, 2000, 5000, 5000]) {
    const before = Socket.all.length;
    vi.advanceTimersByTime(ms - 1);
    expect(Socket.all.length).toBe(before);
    vi.advanceTimersByTime(1);
    expect(Socket.all.length).toBe(before + 1);
    Socket.all.at(-1)!.close();
  }
});
