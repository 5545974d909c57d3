import { Suspense, useDeferredValue, useState } from "react";
import { graphql, useLazyLoadQuery, usePaginationFragment } from "react-relay";
import type { CustomersList$key } from "./__generated__/CustomersList.graphql";
import type { CustomersPageQuery } from "./__generated__/CustomersPageQuery.graphql";
import type { CustomersQuery, CustomerWhere } from "./__generated__/CustomersQuery.graphql";

/** Customers by name, with a search and a filter, page by page. */
export function Customers() {
  const [text, setText] = useState("");
  const [isActive, setActive] = useState(false);
  const sought = useDeferredValue(text.trim());
  const onlyActive = useDeferredValue(isActive);
  return (
    <>
      <div className="filters">
        <input type="search" placeholder="Name" aria-label="Name" value={text} onChange={(e) => setText(e.target.value)} />
        <label>
          <input type="checkbox" checked={isActive} onChange={(e) => setActive(e.target.checked)} /> active only
        </label>
      </div>
      <Suspense fallback={<p role="status">Loading …</p>}>
        <Found text={sought} onlyActive={onlyActive} />
      </Suspense>
    </>
  );
}

function Found({ text, onlyActive }: { text: string; onlyActive: boolean }) {
  const where: CustomerWhere = {
    ...(text && { name: { contains: text } }),
    ...(onlyActive && { status: { eq: "ACTIVE" } }),
  };
  const query = useLazyLoadQuery<CustomersQuery>(
    graphql`
      query CustomersQuery($where: CustomerWhere) {
        ...CustomersList @arguments(where: $where)
      }
    `,
    { where },
  );
  return <List query={query} />;
}

function List({ query }: { query: CustomersList$key }) {
  const { data, hasNext, loadNext, isLoadingNext } = usePaginationFragment<CustomersPageQuery, CustomersList$key>(
    graphql`
      fragment CustomersList on Query
      @refetchable(queryName: "CustomersPageQuery")
      @argumentDefinitions(
        first: { type: "Int", defaultValue: 20 }
        after: { type: "String" }
        where: { type: "CustomerWhere" }
      ) {
        customers(first: $first, after: $after, where: $where, orderBy: [{ name: ASC }])
          @connection(key: "CustomersList_customers") {
          totalCount
          edges {
            node {
              id
              name
              industry
              status
              owner {
                name
              }
            }
          }
        }
      }
    `,
    query,
  );
  const { edges, totalCount } = data.customers;
  return (
    <>
      <table>
        <caption>
          {edges.length} of {totalCount} customers
        </caption>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Industry</th>
            <th scope="col">Status</th>
            <th scope="col">Owner</th>
          </tr>
        </thead>
        <tbody>
          {edges.map(({ node }) => (
            <tr key={node.id}>
              <td>{node.name}</td>
              <td>{node.industry}</td>
              <td>{node.status}</td>
              <td>{node.owner?.name}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {hasNext && (
        <button disabled={isLoadingNext} onClick={() => loadNext(20)}>
          {isLoadingNext ? "Loading …" : "More"}
        </button>
      )}
    </>
  );
}
