// GraphQL over HTTP, as the audits of graphql-http see it.
import assert from "node:assert/strict";
import { serverAudits } from "graphql-http";
import { http, report } from "./report.mjs";

const check = async (audit) => {
  const found = await audit.fn();
  assert.equal(found.status, "ok", found.reason);
};
const audits = serverAudits({ url: http, fetchFn: fetch });
await report(Object.fromEntries(audits.map((audit) => [`${audit.id} ${audit.name}`, () => check(audit)])));
