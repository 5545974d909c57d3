// PostGraphile 5 as it is run in production: the Amber preset with V4's names, one process, no watch, no GraphiQL.
import http from "node:http";
import { postgraphile } from "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { makeV4Preset } from "postgraphile/presets/v4";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";

const preset = {
  extends: [PostGraphileAmberPreset, makeV4Preset({ disableDefaultMutations: true, dynamicJson: true })],
  pgServices: [
    makePgService({ connectionString: process.env.BENCH_URL, schemas: ["public"], poolConfig: { max: 8 } }),
  ],
  grafserv: { watch: false, graphiql: false, port: Number(process.env.BENCH_PORT) },
  grafast: { explain: false },
};
const instance = postgraphile(preset);
const server = http.createServer();
server.on("error", (error) => { console.error(error); process.exit(1); });
await instance.createServ(grafserv).addTo(server);
server.listen(Number(process.env.BENCH_PORT), "127.0.0.1");
