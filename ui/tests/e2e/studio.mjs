/** The real program on a data directory of its own, and a real browser before it. */

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../../..");
const program = process.env.STUDIOD ?? join(root, "target/debug/studiod");
/** Pictures of every page: looked at by people, kept by CI, never committed. */
export const shots = process.env.SHOTS ?? join(root, "target/shots");

/** Longer than anything takes on a busy machine; only a hang gets here. */
export const PATIENCE = 240_000;

export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`${what} did not happen in ${patience / 1000} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

export class Studio {
  constructor(settings = "") {
    this.folder = mkdtempSync(join(tmpdir(), "studiod-page-"));
    this.data = join(this.folder, "data");
    mkdirSync(join(this.folder, "library"));
    // Small pictures at a low rate: the same work in a fraction of the time.
    const web = settings.includes("[web]") ? "" : "[web]\n";
    writeFileSync(
      join(this.folder, "settings.toml"),
      `[film]\nsize = "192x108"\nfps = 12\n[publish]\nlibrary = "${join(this.folder, "library")}"\n${web}${settings}`,
    );
  }
  async start(listen = "127.0.0.1:0") {
    const address = join(this.data, "studiod.address");
    rmSync(address, { force: true });
    this.process = spawn(
      program,
      ["--config", join(this.folder, "settings.toml"), "--data-dir", this.data, "serve", "--listen", listen],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.log = "";
    this.process.stderr.on("data", (text) => (this.log += text));
    await until("the start of the studio", () => {
      if (this.process.exitCode !== null) throw new Error(`the studio ended: ${this.log}`);
      return existsSync(address) && readFileSync(address, "utf8").includes(":");
    });
    this.address = readFileSync(address, "utf8").trim();
    this.base = `http://${this.address}`;
    return this;
  }
  kill(signal = "SIGKILL") {
    const gone = new Promise((done) => this.process.once("exit", done));
    this.process.kill(signal);
    return gone;
  }
  async stop() {
    if (this.process.exitCode === null) await this.kill("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }
  async get(path) {
    const answer = await fetch(this.base + path);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
  async post(path, body) {
    const answer = await fetch(this.base + path, {
      method: "POST",
      headers: { "content-type": typeof body === "string" ? "text/plain" : "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body ?? {}),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 202 && !answer.headers.get("content-type")?.includes("json")
      ? undefined
      : answer.json().catch(() => undefined);
  }
  /** Waits until an episode is over: a film that is made again plays long before that. */
  film(id, state = ["published", "assembled"]) {
    const over = async () => {
      const { episode } = await this.get(`/api/episodes/${id}`);
      if (episode.state === "failed")
        throw new Error(`the film failed: ${JSON.stringify(await this.get("/api/tasks?state=failed"))}`);
      const open = await Promise.all(
        ["waiting", "running"].map((one) => this.get(`/api/tasks?episode=${id}&state=${one}&limit=1`)),
      );
      return state.includes(episode.state) && open.every(({ tasks }) => !tasks.length) && episode;
    };
    return until(`the film ${id}`, async () => {
      if (!(await over())) return undefined;
      // Answered by the loop itself: what follows at once from the last task has begun by then.
      await this.get("/api/fleet");
      return over();
    });
  }
}

/** ComfyUI, Ollama and a speech server that speak the real protocols; `hold` stops pictures half-way, `go` ends them. */
export class Servers {
  async start() {
    const path = process.env.SERVERS ?? join(dirname(program), "examples/servers");
    this.process = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    this.process.stdout.on("data", (text) => (said += text));
    await until("the start of the servers", () => {
      if (this.process.exitCode !== null) throw new Error("the servers ended");
      return said.includes("\n");
    });
    Object.assign(this, JSON.parse(said));
    return this;
  }
  say(what) {
    this.process.stdin.write(`${what}\n`);
  }
  stop() {
    this.process.stdin.end();
  }
  /** Settings of a studio that works with them. */
  settings() {
    return `[[comfy]]\nname = "nvidia0"\nurl = "${this.comfy}"\n[models]\nstills = "sd15"\n[ollama]\nurl = "${this.ollama}"\ntext = "qwen3:8b"\n[speech]\nurl = "${this.speech}"\n`;
  }
}

export function browse() {
  // Without these Chromium asks for its maker's servers.
  const args = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
  ];
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
}

/** A page that fails the test by what it says on its console. */
export async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => {
    // A studio that is gone on purpose is no fault of the page.
    if (
      message.type() === "error" &&
      !/ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_CONNECTION_RESET|WebSocket connection|40\d \(|503/.test(
        message.text(),
      )
    )
      page.faults.push(message.text());
  });
  return page;
}

/** A small telephone, held upright. */
export const PHONE = { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true };

const AXE = readFileSync(join(import.meta.dirname, "../../node_modules/axe-core/axe.min.js"), "utf8");
/** What is not accessible, and what does not fit. Through the debugger: the page itself lets nothing run but its own. */
export async function flaws(one) {
  const found = await one.evaluate(
    `${AXE}; axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] })`,
  );
  const wide = await one.evaluate("document.documentElement.scrollWidth - innerWidth");
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes[0].target.join(" ")}: ${nodes[0].html}`);
  return wide > 0 ? [...violations, `${wide} pixels too wide`] : violations;
}

export const STORY = `Title: Two Doors
Show: Doors
Season: 1
Episode: 2

INT. KITCHEN - NIGHT

A kettle stands on a black stove. [[shot: 1.5s]]

ANNA
Who is there?

EXT. GARDEN - DAY

Rain falls on the grass. [[shot: wide, 1.5s]]

BEN waits under a tree. [[shot: medium, 1.5s]]
`;
