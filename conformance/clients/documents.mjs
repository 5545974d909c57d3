// The operations of the scenario, as text: each client reads them in its own way.
const FIELDS = "__typename id version name valueTier owner { __typename id name }";
const PAYLOAD = `customer { ${FIELDS} } userErrors { code field message params }`;

export const all = {
  LIST: `query List($first: Int, $after: String) {
    customers(first: $first, after: $after, orderBy: [{name: ASC}]) {
      edges { cursor node { ${FIELDS} } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      totalCount
    }
  }`,
  ONE: `query One($id: ID!) { customer(id: $id) { ${FIELDS} } }`,
  CREATE: `mutation Create($name: String!) { createCustomer(input: {name: $name}) { ${PAYLOAD} } }`,
  UPDATE: `mutation Update($id: ID!, $name: String!, $version: Int) {
    updateCustomer(input: {id: $id, name: $name, expectedVersion: $version}) { ${PAYLOAD} }
  }`,
  DELETE: `mutation Delete($id: ID!) {
    deleteCustomer(input: {id: $id}) { deletedId customer { __typename id name } userErrors { code field message } }
  }`,
  WATCH: `subscription Watch($name: String!) {
    customersChanged(where: {name: {eq: $name}}) { change recordId record { ${FIELDS} } }
  }`,
  WRONG: "query Wrong { customers(first: 1) { nodes { favouriteColour } } }",
};
