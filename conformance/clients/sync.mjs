// examples/sync.ts, compiled: what is sent twice is written once.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { report } from "./report.mjs";

const program = fileURLToPath(new URL("../sync/generated/sync.js", import.meta.url));

await report({
  "what is sent twice is written once": async () => {
    const folder = mkdtempSync(join(tmpdir(), "sync-"));
    writeFileSync(join(folder, "rows.json"), JSON.stringify([{ number: "1", name: "One" }, { number: "2", name: "Two" }]));
    const sync = () => execFileSync(process.execPath, [program, "rows.json"], { cwd: folder, encoding: "utf-8" });
    assert.match(sync(), /^2 created, 0 updated, 0 unchanged$/m);
    assert.equal(sync().split("\n")[0], "0 created, 0 updated, 2 unchanged");
    rmSync(folder, { recursive: true });
  },
});
