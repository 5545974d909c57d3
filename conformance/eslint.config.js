// graphql-eslint: its recommended rules and those of Relay, for the schema.
import graphql from "@graphql-eslint/eslint-plugin";

export default [
  {
    files: ["schema.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      // Errors, aggregates and the like are not records: what has an id is a Node, and what is not has none.
      "@graphql-eslint/strict-id-in-types": "off",
      // Connections have `nodes` as well, and not every list is one.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
      // Introspection does not tell where directives are applied; graphql-schema-linter finds types that nothing uses.
      "@graphql-eslint/no-unreachable-types": "off",
      // `Customer.customerSince` is what it is called.
      "@graphql-eslint/no-typename-prefix": "off",
    },
  },
];
