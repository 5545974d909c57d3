// What the Relay compiler compiles; the client imports what it makes of it.
import { graphql } from "relay-runtime";

graphql`
  fragment documents_customer on Customer {
    id
    version
    name
    valueTier
    owner { id name }
  }
`;

graphql`
  query documentsListQuery($first: Int, $after: String) {
    customers(first: $first, after: $after, orderBy: [{name: ASC}]) @connection(key: "List_customers") {
      __id
      edges { node { id name ...documents_customer } }
      totalCount
    }
  }
`;

graphql`
  query documentsOneQuery($id: ID!) {
    customer(id: $id) { id version name ...documents_customer }
  }
`;

graphql`
  query documentsNodeQuery($id: ID!) {
    node(id: $id) { id ... on Customer { name } }
  }
`;

graphql`
  mutation documentsCreateMutation($name: String!) {
    createCustomer(input: {name: $name}) {
      customer { id version name ...documents_customer }
      userErrors { code field message params }
    }
  }
`;

graphql`
  mutation documentsUpdateMutation($id: ID!, $name: String!, $version: Int) {
    updateCustomer(input: {id: $id, name: $name, expectedVersion: $version}) {
      customer { id version name }
      userErrors { code field message params }
    }
  }
`;

graphql`
  mutation documentsDeleteMutation($id: ID!) {
    deleteCustomer(input: {id: $id}) {
      deletedId @deleteRecord
      customer { name }
      userErrors { code field message }
    }
  }
`;

graphql`
  mutation documentsDeleteEdgeMutation($id: ID!, $connections: [ID!]!) {
    deleteCustomer(input: {id: $id}) { deletedId @deleteEdge(connections: $connections) }
  }
`;

graphql`
  subscription documentsWatchSubscription($name: String!) {
    customersChanged(where: {name: {eq: $name}}) { change recordId record { id name } }
  }
`;
