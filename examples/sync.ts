// Keeps guanxi and another system alike, as sync.py does: `node sync.ts customers.json` (node 22.18 or newer).
//
// It sends the rows in bulk, found by their number in the other system, then shows what else has changed since last time.
// Stop it whenever you like: rows sent again change nothing, and its place is kept once all before it is handled.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";

type Row = { number: string; name: string; [field: string]: unknown };
type Upserted = {
  created: number;
  updated: number;
  unchanged: number;
  userErrors: { field: string[] | null; message: string }[];
};
type Change = { type: string; entityId: string; requestId: string | null; changes: { field: string; current: unknown }[] | null };
type Page = { nodes: Change[]; pageInfo: { endCursor: string | null; hasNextPage: boolean } };

const url = process.env.GUANXI_URL ?? "http://127.0.0.1:8000/graphql";
const headers: Record<string, string> = { "content-type": "application/json" };
if (process.env.GUANXI_KEY) headers.authorization = `Bearer ${process.env.GUANXI_KEY}`;
const file = "sync.json";
const upsert = `mutation ($items: [CustomerUpsertItem!]!) { upsertCustomers(input: {items: $items}) {
  created updated unchanged userErrors { field message } } }`;
const feed = `query ($after: String) { events(first: 500, after: $after, entityTypes: ["Customer"]) {
  nodes { type entityId requestId changes { field current } } pageInfo { endCursor hasNextPage } } }`;

/** Writes the state down, whole or not at all. */
function keep() {
  writeFileSync(`${file}.new`, JSON.stringify(state));
  renameSync(`${file}.new`, file);
}

/** Sends an operation, again and again while the server is busy or not there. */
async function ask<Data>(query: string, number: number | string, variables: Record<string, unknown>): Promise<Data> {
  const named = { ...headers, "x-request-id": `${state.own}.${number}` };
  for (let attempt = 0; attempt < 8; attempt++) {
    let pause = Math.min(2 ** attempt, 60);
    try {
      const response = await fetch(url, { method: "POST", headers: named, body: JSON.stringify({ query, variables }) });
      if (response.ok) {
        const answer = (await response.json()) as { data: Data; errors?: unknown };
        if (answer.errors) throw new SyntaxError(JSON.stringify(answer.errors, null, 2));
        return answer.data;
      }
      if (![429, 502, 503, 504].includes(response.status)) throw new SyntaxError(`${response.status}: ${await response.text()}`);
      pause = Number(response.headers.get("retry-after") ?? pause);
    } catch (error) {
      if (error instanceof SyntaxError) throw error;
      console.error(`${error}; trying again`);
    }
    await new Promise((go) => setTimeout(go, pause * 1000));
  }
  throw new Error(`${url} is not to be reached`);
}

// Its requests are named before they are sent, so it knows its own events even where an answer is lost.
const state: { own: string; after: string | null } = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf-8"))
  : { own: `sync-${crypto.randomUUID()}`, after: null };
keep();
const rows = (JSON.parse(readFileSync(process.argv[2], "utf-8")) as Row[]).map(({ number, ...row }) => ({
  externalIds: [{ system: "erp", value: number }],
  ...row,
}));
for (let start = 0; start < rows.length; start += 1000) {
  const items = rows.slice(start, start + 1000);
  const { upsertCustomers: done } = await ask<{ upsertCustomers: Upserted }>(upsert, start, { items });
  console.log(`${done.created} created, ${done.updated} updated, ${done.unchanged} unchanged`);
  for (const { field, message } of done.userErrors)
    console.log(`from row ${start} on, ${(field ?? []).join(".")}: ${message}`);
}
for (let more = true; more; ) {
  const { events } = await ask<{ events: Page }>(feed, "feed", { after: state.after });
  for (const { type, entityId, requestId, changes } of events.nodes)
    if (!requestId?.startsWith(state.own)) console.log(type, entityId, JSON.stringify(changes ?? []));
  ({ endCursor: state.after, hasNextPage: more } = events.pageInfo);
  keep();
}
