// Compiles only if the types that GraphQL Code Generator makes of the schema are those a program expects.
import { graphql } from "./generated";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";

const list = graphql(`
  query TypedList($where: CustomerWhere) {
    customers(first: 10, where: $where, orderBy: [{valueTier: DESC}]) {
      nodes { id name valueTier annualRevenue { amount currency } }
      totalCount
    }
  }
`);
const create = graphql(`
  mutation TypedCreate($input: CreateCustomerInput!) {
    createCustomer(input: $input) { customer { id version } userErrors { code field message } }
  }
`);

declare function ask<Result, Variables>(document: TypedDocumentNode<Result, Variables>, variables: Variables): Promise<Result>;

const { customers } = await ask(list, { where: { valueTier: { in: ["IMPORTANT", "MAIN"] }, name: { contains: "a" } } });
export const names: string[] = customers.nodes.map((node) => node.name);
export const amounts: (string | undefined)[] = customers.nodes.map((node) => node.annualRevenue?.amount);

// @ts-expect-error A value tier is one of a few.
await ask(list, { where: { valueTier: { eq: "SHINY" } } });

const { createCustomer } = await ask(create, { input: { name: "Typed" } });
export const codes: string[] = createCustomer.userErrors.map((error) => error.code);

// @ts-expect-error A customer has a name.
await ask(create, { input: {} });
