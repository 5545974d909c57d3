// Compiles only if the types that gql.tada makes of the schema are those a program expects.
import { initGraphQLTada, type ResultOf, type VariablesOf } from "gql.tada";
import type { introspection } from "./generated/introspection.js";

const graphql = initGraphQLTada<{
  introspection: introspection;
  scalars: { CurrencyCode: string; Date: string; DateTime: string; Decimal: string; JSON: unknown };
}>();

const list = graphql(`
  query TadaList($where: CustomerWhere) {
    customers(first: 10, where: $where) {
      nodes { id name valueTier annualRevenue { amount currency } }
      totalCount
    }
  }
`);

type Customer = ResultOf<typeof list>["customers"]["nodes"][number];
export const shown = (customer: Customer): string => `${customer.name}: ${customer.annualRevenue?.amount ?? "unknown"}`;
export const asked: VariablesOf<typeof list> = { where: { valueTier: { in: ["IMPORTANT", "MAIN"] } } };

// @ts-expect-error A value tier is one of a few.
export const wrong: VariablesOf<typeof list> = { where: { valueTier: { eq: "SHINY" } } };
