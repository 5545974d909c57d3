// PostGraphile 4 as it is run in production: one process, caches on, no watch, no GraphiQL.
import http from "node:http";
import { postgraphile } from "postgraphile";

const middleware = postgraphile({ connectionString: process.env.BENCH_URL, max: 8 }, "public", {
  watchPg: false,
  graphiql: false,
  disableQueryLog: true,
  dynamicJson: true,
  legacyRelations: "omit",
  simpleCollections: "omit",
  enableQueryBatching: false,
  graphqlRoute: "/graphql",
});
http.createServer(middleware).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
