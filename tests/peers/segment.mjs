// Drives @segment/analytics-node as a shop's server does, and says on standard output, a JSON object a line, what the
// client itself reports. Called as: node segment.mjs HOST WRITE_KEY SCENARIO SETTINGS, the settings as JSON.

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { gzipSync } from "node:zlib";

const [host, writeKey, scenario, settings] = process.argv.slice(2);
const { gzip = false, behindHours = 0, ...clientSettings } = JSON.parse(settings);
const HOUR = 3_600_000;
const say = (said, more) => process.stdout.write(`${JSON.stringify({ said, ...more })}\n`);

if (behindHours) {
  // A machine whose clock is wrong, for the client and for whoever calls it.
  const Right = Date;
  globalThis.Date = class extends Right {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Right.now() - behindHours * HOUR);
    }
    static now() {
      return Right.now() - behindHours * HOUR;
    }
  };
}

const { Analytics } = createRequire(join(process.env.JOURNEYMAN_PEERS, "package.json"))("@segment/analytics-node");

// The client has no option for it; this is how its documentation lets a shop do it.
const packed = (url, request) =>
  fetch(url, {
    ...request,
    headers: { ...request.headers, "Content-Encoding": "gzip" },
    body: gzipSync(request.body),
  });

const client = new Analytics({ host, writeKey, ...(gzip ? { httpClient: packed } : {}), ...clientSettings });
client.on("http_request", ({ headers, body }) =>
  say("request", { retry: Number(headers["X-Retry-Count"] ?? 0), headers, messages: JSON.parse(body).batch.length }),
);
client.on("http_response", ({ status, headers }) => say("response", { status, headers }));
client.on("error", ({ code, reason, ctx }) =>
  say("failed", { code, id: ctx?.event.messageId, reason: String(reason) }),
);
for (const type of ["track", "identify", "alias", "page", "screen", "group"]) {
  client.on(type, ({ event }) => say("delivered", { id: event.messageId }));
}

const view = (n) => client.track({ userId: `u${n % 20}`, event: "Product Viewed", properties: { n, sku: `S-${n % 7}` } });
const views = (from, count) => {
  for (let n = from; n < from + count; n++) view(n);
};

const scenarios = {
  // Each call there is. Who is who is told in passing: a1 turns out to be u1, a3 to be u2.
  everything() {
    client.track({ anonymousId: "a1", event: "Product Viewed", properties: { sku: "S-1", price: 19.9 } });
    client.identify({ userId: "u1", anonymousId: "a1", traits: { email: "one@example.com", age: 41 } });
    const yesterday = new Date(Date.now() - 24 * HOUR);
    client.track({ userId: "u1", event: "Order Completed", properties: { total: 57.2 }, timestamp: yesterday });
    client.page({ userId: "u1", category: "Docs", name: "Pricing", properties: { path: "/pricing" } });
    client.screen({ anonymousId: "a2", name: "Home" });
    client.group({ userId: "u1", groupId: "g1", traits: { plan: "pro" } });
    client.alias({ userId: "u2", previousId: "a3" });
    client.track({ anonymousId: "a3", event: "Signed In" });
  },
  ten() {
    views(0, 10);
  },
  // What the client lets through and no event can be made of, each after a good one.
  bad() {
    const bad = [
      { event: "Too Large", userId: "u", properties: { text: "x".repeat(40_000) } },
      { event: "Nul", userId: "u\0" },
      { event: "Half A Letter", userId: "u", properties: { text: "\ud83d" } },
      { event: "No Time", userId: "u", timestamp: "yesterday" },
      { event: " ", userId: "u" },
      { event: "Long Name", userId: "u".repeat(600) },
    ];
    bad.forEach((message, n) => {
      view(n);
      client.track(message);
    });
    client.group({ groupId: "nobody" });
    view(bad.length);
  },
  // Fifty at every line of standard input, until it ends.
  async waves() {
    let sent = 0;
    for await (const _line of createInterface({ input: process.stdin })) {
      views(sent, 50);
      sent += 50;
    }
  },
};

await scenarios[scenario]();
await client.closeAndFlush();
say("done");
