// Apollo Client: its normalized cache, its Relay-style pages, its link for subscriptions.
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
import * as documents from "./documents.mjs";
import { http, report } from "./report.mjs";
import { scenario } from "./scenario.mjs";
import { socket } from "./socket.mjs";

const of = Object.fromEntries(Object.entries(documents.all).map(([name, text]) => [name, gql(text)]));
const cache = new InMemoryCache({
  typePolicies: { Query: { fields: { customers: relayStylePagination(["orderBy"]) } } },
});
const isLive = ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION;
const link = ApolloLink.split(isLive, new GraphQLWsLink(socket), new HttpLink({ uri: http }));
const client = new ApolloClient({ cache, link });

const ask = async (query, variables) =>
  (await client.query({ query, variables, fetchPolicy: "network-only", errorPolicy: "none" })).data;
const change = async (mutation, variables, options) => (await client.mutate({ mutation, variables, ...options })).data;
const key = (id) => cache.identify({ __typename: "Customer", id });

await report(
  scenario({
    async page(after) {
      const list = await client.query({
        query: of.LIST,
        variables: { first: 3, after },
        fetchPolicy: "no-cache",
      });
      cache.writeQuery({ query: of.LIST, variables: { first: 3, after }, data: list.data });
      return list.data.customers;
    },
    joined: () => cache.readQuery({ query: of.LIST, variables: { first: 3 } }).customers.edges.map((edge) => edge.node),
    show: async (id) => (await ask(of.ONE, { id })).customer,
    cached: (id) => cache.readFragment({ id: key(id), fragment: gql`fragment Name on Customer { id name }` }),
    create: async (name) => (await change(of.CREATE, { name })).createCustomer,
    update: async (id, name, version) => (await change(of.UPDATE, { id, name, version })).updateCustomer,
    remove: async (id) =>
      (
        await change(of.DELETE, { id }, {
          update: (_, { data }) => cache.evict({ id: key(data.deleteCustomer.deletedId) }),
        })
      ).deleteCustomer,
    wrong: () => ask(of.WRONG).catch((error) => CombinedGraphQLErrors.is(error) && error.errors),
    watch: (name, next, error) =>
      client.subscribe({ query: of.WATCH, variables: { name } }).subscribe({ next: ({ data }) => next(data), error }),
  }),
);
