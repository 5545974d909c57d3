// urql with graphcache: its normalized cache, its Relay pages, its exchange for subscriptions.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { all as of } from "./documents.mjs";
import { http, report } from "./report.mjs";
import { scenario } from "./scenario.mjs";
import { socket } from "./socket.mjs";

const cache = cacheExchange({
  resolvers: { Query: { customers: relayPagination() } },
  updates: {
    Mutation: {
      deleteCustomer: (result, _, store) => store.invalidate({ __typename: "Customer", id: result.deleteCustomer.deletedId }),
    },
  },
});
const live = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  }),
});
const client = new Client({ url: http, preferGetMethod: false, exchanges: [cache, fetchExchange, live] });

const ask = async (text, variables, requestPolicy = "network-only") => {
  const { data, error } = await client.query(text, variables, { requestPolicy }).toPromise();
  if (error) throw error;
  return data;
};
const change = async (text, variables) => {
  const { data, error } = await client.mutation(text, variables).toPromise();
  if (error) throw error;
  return data;
};
const list = (variables, policy) => ask(of.LIST, { first: 3, ...variables }, policy);

await report(
  scenario({
    async page(after) {
      const { customers } = await list({ after });
      // Graphcache answers with all pages so far.
      return { ...customers, edges: customers.edges.slice(-3) };
    },
    joined: async () => (await list({ after: null }, "cache-only")).customers.edges.map((edge) => edge.node),
    show: async (id) => (await ask(of.ONE, { id })).customer,
    forgets: true,
    cached: async (id) => (await ask(of.ONE, { id }, "cache-only"))?.customer ?? null,
    create: async (name) => (await change(of.CREATE, { name })).createCustomer,
    update: async (id, name, version) => (await change(of.UPDATE, { id, name, version })).updateCustomer,
    remove: async (id) => (await change(of.DELETE, { id })).deleteCustomer,
    wrong: () => ask(of.WRONG).catch((error) => error.graphQLErrors),
    watch: (name, hear, fail) =>
      client.subscription(of.WATCH, { name }).subscribe(({ data, error }) => (error ? fail(error) : hear(data))),
  }),
);
