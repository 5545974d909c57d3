// graphql-request, which has no cache, and graphql-sse for what happens.
import { GraphQLClient } from "graphql-request";
import { createClient } from "graphql-sse";
import { all as of } from "./documents.mjs";
import { http, report } from "./report.mjs";
import { scenario } from "./scenario.mjs";

const client = new GraphQLClient(http);
const stream = createClient({ url: http });

await report(
  scenario({
    page: async (after) => (await client.request(of.LIST, { first: 3, after })).customers,
    show: async (id) => (await client.request(of.ONE, { id })).customer,
    create: async (name) => (await client.request(of.CREATE, { name })).createCustomer,
    update: async (id, name, version) => (await client.request(of.UPDATE, { id, name, version })).updateCustomer,
    remove: async (id) => (await client.request(of.DELETE, { id })).deleteCustomer,
    wrong: () => client.request(of.WRONG).catch((error) => error.response.errors),
    watch: (name, hear, fail) =>
      stream.subscribe(
        { query: of.WATCH, variables: { name } },
        { next: ({ data }) => hear(data), error: fail, complete() {} },
      ),
  }),
);
