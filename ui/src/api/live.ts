/** Everything that happens, as it happens: the websocket, its resuming, and who is told. */

import type { Schemas } from "./client";

export type Told = Schemas["Told"];
export type Moved = Schemas["Moved"];

/** How long until the next try after a broken line, in milliseconds. */
const AGAIN = [500, 1000, 2000, 5000];
/** Longer than the studio's own sign of life. */
const SILENCE = 45_000;

export interface Line {
  /** The line is there (true) or broke (false). */
  line(there: boolean): void;
  /** Everything must be asked for anew. */
  begin(): void;
  event(event: Extract<Told, { type: "event" }>): void;
  progress(tasks: Moved[]): void;
  engine(engine: string, away: string | null): void;
}

/** Listens until the returned function is called. */
export function listen(hear: Line, address = live(), Socket: typeof WebSocket = WebSocket): () => void {
  let seq: number | undefined;
  let tries = 0;
  let over = false;
  let socket: WebSocket | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const beat = () => {
    clearTimeout(silence);
    silence = setTimeout(() => socket?.close(), SILENCE);
  };
  const open = () => {
    socket = new Socket(seq === undefined ? address : `${address}?since=${seq}`);
    socket.onopen = () => {
      tries = 0;
      beat();
      hear.line(true);
    };
    socket.onmessage = ({ data }) => {
      beat();
      const told = JSON.parse(String(data)) as Told;
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
          hear.engine(told.engine, told.away ?? null);
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
  return () => {
    over = true;
    clearTimeout(again);
    clearTimeout(silence);
    socket?.close();
  };
}

function live(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`;
}
