// Relay: its compiler's documents, its store, @connection, @deleteRecord and @deleteEdge, its network for both.
import assert from "node:assert/strict";
import relay from "relay-runtime";
import { all } from "./documents.mjs";
import { http, report } from "./report.mjs";
import { scenario } from "./scenario.mjs";
import { socket } from "./socket.mjs";

const compiled = async (name) => (await import(`../relay/__generated__/documents${name}.graphql.js`)).default;
const of = Object.fromEntries(
  await Promise.all(
    ["ListQuery", "OneQuery", "NodeQuery", "CreateMutation", "UpdateMutation", "DeleteMutation", "DeleteEdgeMutation", "WatchSubscription"].map(
      async (name) => [name, await compiled(name)],
    ),
  ),
);

const send = async (query, variables) => {
  const headers = { "content-type": "application/json" };
  return (await fetch(http, { method: "POST", headers, body: JSON.stringify({ query, variables }) })).json();
};
const listen = ({ text }, variables) =>
  relay.Observable.create((sink) => socket.subscribe({ query: text, variables }, sink));
const environment = new relay.Environment({
  network: relay.Network.create(({ text }, variables) => send(text, variables), listen),
  store: new relay.Store(new relay.RecordSource()),
});

const described = (query, variables) => relay.createOperationDescriptor(query, variables);
const ask = async (query, variables) => {
  environment.retain(described(query, variables));
  return relay.fetchQuery(environment, query, variables, { fetchPolicy: "network-only" }).toPromise();
};
const held = (query, variables) => environment.lookup(described(query, variables).fragment).data;
const change = (mutation, variables) =>
  new Promise((onCompleted, onError) => relay.commitMutation(environment, { mutation, variables, onCompleted, onError }));

const first = { first: 3, after: null };
const checks = scenario({
  async page(after) {
    // Asked without the store, whose list has all pages; what it answers is put there.
    const operation = described(of.ListQuery, { first: 3, after });
    environment.retain(operation);
    const { data } = await send(of.ListQuery.params.text, { first: 3, after });
    environment.commitPayload(operation, data);
    return data.customers;
  },
  joined: async () => held(of.ListQuery, first).customers.edges.map((edge) => edge.node),
  show: async (id) => (await ask(of.OneQuery, { id })).customer,
  forgets: true,
  cached: async (id) => held(of.OneQuery, { id }).customer ?? null,
  create: async (name) => (await change(of.CreateMutation, { name })).createCustomer,
  update: async (id, name, version) => (await change(of.UpdateMutation, { id, name, version })).updateCustomer,
  remove: async (id) => (await change(of.DeleteMutation, { id })).deleteCustomer,
  wrong: async () => (await send(all.WRONG)).errors,
  watch: (name, onNext, onError) =>
    relay.requestSubscription(environment, { subscription: of.WatchSubscription, variables: { name }, onNext, onError }),
});

await report({
  ...checks,
  "an edge is gone from its connection": async () => {
    const { createCustomer } = await change(of.CreateMutation, { name: "  0 first of all" });
    const { customers } = await ask(of.ListQuery, first);
    const ids = () => held(of.ListQuery, first).customers.edges.map((edge) => edge.node.id);
    assert.ok(ids().includes(createCustomer.customer.id));
    await change(of.DeleteEdgeMutation, { id: createCustomer.customer.id, connections: [customers.__id] });
    assert.ok(!ids().includes(createCustomer.customer.id));
  },
  "any record is found by its id": async () => {
    const { createCustomer } = await change(of.CreateMutation, { name: "Found by its id" });
    const { node } = await ask(of.NodeQuery, { id: createCustomer.customer.id });
    assert.equal(node.name, "Found by its id");
  },
});
