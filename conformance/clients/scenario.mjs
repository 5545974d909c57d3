// What every client is to do, by an adapter of its own:
//   page(after)             asks for three customers, and returns the connection
//   create(name), update(id, name, version), remove(id), show(id)    return the payload, or the customer
//   wrong()                 sends what does not fit the schema, and returns the errors it is given
//   watch(name, hear)       subscribes to customers of a name, and returns what ends it
// and if it has a cache:
//   joined()                the customers of all pages
//   cached(id)              what it holds of a customer, null if nothing
//   forgets                 true if it answers from its cache, where what was deleted is no longer
import assert from "node:assert/strict";

const fresh = (what) => `${what} ${process.pid}-${Math.random().toString(36).slice(2, 8)}`;

/** The checks that an adapter can run. */
export const scenario = (client) => ({
  "a list goes on where its page ends": async () => {
    const first = await client.page(null);
    const second = await client.page(first.pageInfo.endCursor);
    const ids = [...first.edges, ...second.edges].map((edge) => edge.node.id);
    assert.equal(new Set(ids).size, 6);
    if (client.joined) assert.deepEqual((await client.joined()).map((node) => node.id), ids);
  },
  "what is changed is changed wherever it is shown": async () => {
    const { customer } = await client.create(fresh("Changed"));
    await client.show(customer.id);
    const name = fresh("Renamed");
    const payload = await client.update(customer.id, name, customer.version);
    assert.deepEqual(payload.userErrors, []);
    assert.equal((await (client.cached ?? client.show)(customer.id)).name, name);
  },
  "a conflict shows the record as it is now": async () => {
    const { customer } = await client.create(fresh("Conflict"));
    await client.show(customer.id);
    const theirs = fresh("Theirs");
    await client.update(customer.id, theirs, customer.version);
    const payload = await client.update(customer.id, fresh("Mine"), customer.version);
    assert.equal(payload.userErrors[0].code, "CONFLICT");
    assert.equal(payload.customer.name, theirs);
    if (client.cached) assert.equal((await client.cached(customer.id)).name, theirs);
  },
  "what is deleted is gone by its id": async () => {
    const { customer } = await client.create(fresh("Deleted"));
    await client.show(customer.id);
    const payload = await client.remove(customer.id);
    assert.equal(payload.deletedId, customer.id);
    if (!client.forgets) assert.equal(payload.customer.name, customer.name);
    if (client.cached) assert.equal(await client.cached(customer.id), null);
  },
  "a refusal names its code and field": async () => {
    const payload = await client.create("");
    assert.equal(payload.customer, null);
    assert.deepEqual(payload.userErrors.map(({ code, field }) => ({ code, field })), [{ code: "INVALID", field: ["name"] }]);
  },
  "a bad request is an error with a code": async () => {
    assert.equal((await client.wrong())[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  },
  ...(client.watch && {
    "a subscription hears what happens": async () => {
      const name = fresh("Live");
      const heard = await new Promise((hear, fail) => {
        client.watch(name, hear, fail);
        // When it has begun is not said: records are made until one is heard of.
        const making = setInterval(() => client.create(name), 300);
        setTimeout(() => clearInterval(making), 10_000).unref();
      });
      assert.equal(heard.customersChanged.record.name, name);
    },
  }),
});
