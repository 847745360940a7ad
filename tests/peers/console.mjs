// Looks at the console's pages in Chromium, light and dark, and says on standard output, a JSON object for each: what its
// console said, what it asked elsewhere for, what axe-core found. Called as: node console.mjs BASE FOLDER PATH…; a path with
// `=> NAME` before its end names the picture that is kept in FOLDER.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [base, folder, ...paths] = process.argv.slice(2);
const peers = createRequire(join(process.env.JOURNEYMAN_PEERS, "package.json"));
const WebSocket = peers("ws");
const axe = await readFile(peers.resolve("axe-core/axe.min.js"), "utf8");

const profile = await mkdtemp(join(tmpdir(), "journeyman-chromium-"));
const browser = spawn(
  process.env.CHROMIUM ?? "chromium",
  [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
    `--user-data-dir=${profile}`, "about:blank",
  ],
  { stdio: ["ignore", "ignore", "pipe"] },
);
const gone = new Promise((resolve) => browser.once("exit", resolve));

// Where it listens it says itself, on a port of its own choice.
const listens = await new Promise((resolve, reject) => {
  const said = [];
  browser.once("error", reject);
  createInterface({ input: browser.stderr })
    .on("line", (line) => {
      said.push(line);
      const address = line.match(/^DevTools listening on (ws:.+)$/);
      if (address) resolve(address[1]);
    })
    .on("close", () => reject(new Error(`chromium ended: ${said.join("\n")}`)));
});

// The DevTools protocol: commands are answered by their ids, events come by themselves.
const socket = new WebSocket(listens, { maxPayload: 1 << 28 });
await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
const waiting = new Map();
let heard = () => {};
let asked = 0;
socket.on("message", (bytes) => {
  const message = JSON.parse(bytes);
  if (!message.id) return heard(message.method, message.params ?? {});
  const { resolve, reject } = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.error) reject(new Error(JSON.stringify(message.error)));
  else resolve(message.result);
});
const send = (method, params = {}, sessionId) =>
  new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject });
    socket.send(JSON.stringify({ id: asked, method, params, sessionId }));
  });

async function look(path, scheme, picture) {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const on = (method, params) => send(method, params, sessionId);
  const found = { path, scheme, status: 0, said: [], elsewhere: [], faults: [] };
  let loaded;
  const whole = new Promise((resolve) => (loaded = resolve));
  heard = (method, params) => {
    if (method === "Runtime.exceptionThrown") found.said.push(params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled") found.said.push(params.args.map((arg) => arg.value).join(" "));
    // Violations of a policy and what could not be loaded are told here.
    if (method === "Log.entryAdded") found.said.push(`${params.entry.level}: ${params.entry.text}`);
    if (method === "Network.requestWillBeSent" && !params.request.url.startsWith(base)) {
      found.elsewhere.push(params.request.url);
    }
    if (method === "Network.responseReceived" && params.response.url === base + path) found.status = params.response.status;
    if (method === "Page.loadEventFired") loaded();
  };
  for (const part of ["Runtime", "Log", "Network", "Page"]) await on(`${part}.enable`);
  await on("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await on("Emulation.setDeviceMetricsOverride", { width: 1280, height: 900, deviceScaleFactor: 1, mobile: false });
  await on("Page.navigate", { url: base + path });
  await whole;
  if (picture) {
    const { cssContentSize } = await on("Page.getLayoutMetrics");
    const clip = { x: 0, y: 0, width: 1280, height: Math.min(Math.ceil(cssContentSize.height), 2400), scale: 1 };
    const { data } = await on("Page.captureScreenshot", { format: "png", clip, captureBeyondViewport: true });
    await writeFile(join(folder, `${picture}-${scheme}.png`), Buffer.from(data, "base64"));
  }
  // Run from outside: the page's policy stays as it is, and would let no script in.
  await on("Runtime.evaluate", { expression: axe });
  const { result, exceptionDetails } = await on("Runtime.evaluate", {
    expression: `axe.run(document, { resultTypes: ["violations"], iframes: false }).then((ran) => JSON.stringify(
      ran.violations.map((fault) => fault.id + ": " + fault.nodes.map((node) => node.target.join(" ")).join(", "))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails));
  found.faults = JSON.parse(result.value);
  await send("Target.closeTarget", { targetId });
  process.stdout.write(`${JSON.stringify(found)}\n`);
}

try {
  for (const asked of paths) {
    const [path, picture] = asked.split(" => ");
    for (const scheme of ["light", "dark"]) await look(path, scheme, picture);
  }
} finally {
  await send("Browser.close").catch(() => {});
  await gone;
  await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
