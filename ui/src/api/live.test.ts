import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Line, listen } from "./live";

class Socket {
  static readonly OPEN = 1;
  static all: Socket[] = [];
  readyState = 0;
  readonly sent: string[] = [];
  onopen?: () => void;
  onmessage?: (message: { data: string | ArrayBuffer }) => void;
  onclose?: () => void;
  constructor(readonly address: string) {
    Socket.all.push(this);
  }
  close() {
    this.onclose?.();
  }
  send(text: string) {
    this.sent.push(text);
  }
  open() {
    this.readyState = Socket.OPEN;
    this.onopen!();
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
  engine: (engine, away) => said.push(`${engine} ${away?.said} ${away?.because.length}`),
  picture: (task, picture) => said.push(`${task} ${picture.type} ${picture.size}`),
};
const event = (seq: number) => ({ type: "event", seq, kind: "task.made", subject: "x", body: {}, at: 0 });

beforeEach(() => {
  vi.useFakeTimers();
  Socket.all = [];
  said.length = 0;
});
afterEach(() => vi.useRealTimers());

it("goes on after a broken line where it was, and takes nothing twice", () => {
  const line = listen(hear, "ws://studio/api/live", Socket as never);
  const [first] = Socket.all;
  first!.onopen!();
  first!.tell({ type: "begin", seq: 7 });
  first!.tell(event(8));
  first!.tell(event(8));
  first!.tell({ type: "progress", tasks: [{}] });
  first!.tell({ type: "engine", engine: "comfy", away: "it is off", because: [{}] });
  first!.close();
  vi.advanceTimersByTime(500);
  expect(Socket.all[1]!.address).toBe("ws://studio/api/live?since=8");
  Socket.all[1]!.onopen!();
  Socket.all[1]!.tell(event(9));
  expect(said).toEqual(["there", "begin", "event 8", "progress 1", "comfy it is off 1", "gone", "there", "event 9"]);
  line.stop();
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

it("asks for pictures again on a new line, and takes them apart", () => {
  const line = listen(hear, "ws://studio/api/live", Socket as never);
  const task = "0192d3a1-7c4b-7def-8123-456789abcdef";
  line.watch([task]);
  const [first] = Socket.all;
  expect(first!.sent).toEqual([]);
  first!.open();
  expect(first!.sent).toEqual([JSON.stringify({ watch: [task] })]);
  const id = task
    .replaceAll("-", "")
    .match(/../g)!
    .map((hex) => parseInt(hex, 16));
  first!.onmessage!({ data: new Uint8Array([...id, 0xff, 0xd8, 0xff]).buffer });
  first!.onmessage!({ data: new Uint8Array([...id, 0x89, 0x50]).buffer });
  expect(said).toEqual(["there", `${task} image/jpeg 3`, `${task} image/png 2`]);
  line.watch([task]);
  expect(first!.sent.length).toBe(1);
  line.watch([]);
  expect(first!.sent.at(-1)).toBe(JSON.stringify({ watch: [] }));
  line.watch(Array.from({ length: 12 }, (_, at) => `t${at}`));
  expect(JSON.parse(first!.sent.at(-1)!).watch.length).toBe(8);
  first!.close();
  vi.advanceTimersByTime(500);
  Socket.all[1]!.open();
  expect(JSON.parse(Socket.all[1]!.sent[0]!).watch.length).toBe(8);
  line.stop();
});
