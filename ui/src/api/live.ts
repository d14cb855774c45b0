/** Everything that happens, as it happens: the websocket, its resuming, and who is told. */

import type { Schemas } from "./client";

export type LiveMessage = Schemas["LiveMessage"];
export type LiveProgress = Schemas["LiveProgress"];

/** How long until the next try after a broken line, in milliseconds. */
const AGAIN = [500, 1000, 2000, 5000];
/** Longer than the studio's own sign of life. */
const SILENCE = 45_000;

export interface Line {
  /** The line is there (true) or broke (false). */
  line(there: boolean): void;
  /** Everything must be asked for anew. */
  begin(): void;
  event(event: Extract<LiveMessage, { type: "event" }>): void;
  progress(tasks: LiveProgress[]): void;
  /** An engine is away, as `said` and as data, or there. */
  engine(engine: string, away: { said: string; because: Schemas["Away"][] } | null): void;
  /** A picture of a task that is watched. */
  picture(task: string, picture: Blob): void;
}

/** What a line can be told, and how it ends. */
export interface Listening {
  /** The pictures of these tasks, from now on. */
  watch(tasks: string[]): void;
  stop(): void;
}

/** A binary message: the 16 bytes of the task's id, then its picture. */
export function pictured(data: ArrayBuffer): { task: string; picture: Blob } {
  const bytes = new Uint8Array(data);
  const hex = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const task = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const type = bytes[16] === 0x89 ? "image/png" : "image/jpeg";
  return { task, picture: new Blob([bytes.subarray(16)], { type }) };
}

/** Listens until it is stopped. */
export function listen(hear: Line, address = live(), Socket: typeof WebSocket = WebSocket): Listening {
  let seq: number | undefined;
  let tries = 0;
  let over = false;
  let socket: WebSocket | undefined;
  let watched: string[] = [];
  let silence: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const beat = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket?.close(), SILENCE);
  };
  const say = () => socket?.send(JSON.stringify({ watch: watched }));
  const open = () => {
    socket = new Socket(seq === undefined ? address : `${address}?since=${seq}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      tries = 0;
      beat();
      // A new line knows nothing of what the old one was told.
      if (watched.length) say();
      hear.line(true);
    };
    socket.onmessage = ({ data }) => {
      beat();
      if (data instanceof ArrayBuffer) {
        const { task, picture } = pictured(data);
        hear.picture(task, picture);
        return;
      }
      const told = JSON.parse(String(data)) as LiveMessage;
      switch (told.type) {
        case "begin":
          seq = told.seq;
          hear.begin();
          break;
        case "event":
          // What is told twice has the same number.
          if (seq !== undefined && told.seq <= seq) break;
          seq = told.seq;
          hear.event(told);
          break;
        case "progress":
          hear.progress(told.tasks);
          break;
        case "engine":
          hear.engine(told.engine, told.away ? { said: told.away, because: told.because } : null);
          break;
      }
    };
    socket.onclose = () => {
      clearTimeout(silence);
      if (over) return;
      hear.line(false);
      again = setTimeout(open, AGAIN[Math.min(tries++, AGAIN.length - 1)]);
    };
  };
  open();
  return {
    watch(tasks) {
      // The studio shows eight at most; nobody looks at more.
      const now = tasks.slice(0, 8);
      if (now.join() === watched.join()) return;
      watched = now;
      if (socket?.readyState === Socket.OPEN) say();
    },
    stop() {
      over = true;
      clearTimeout(again);
      clearTimeout(silence);
      socket?.close();
    },
  };
}

function live(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`;
}
