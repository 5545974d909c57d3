import { Environment, Network, RecordSource, Store, type FetchFunction, type GraphQLResponse } from "relay-runtime";

const ADDRESS: string = import.meta.env["VITE_GUANXI"] ?? "http://127.0.0.1:8000/graphql";

/** What the server says is wrong with a request as a whole, or why it was not reached. */
export class RequestError extends Error {}

/** The environment of whoever has a key; without one, of the operator of this machine. */
export function environmentOf(key: string): Environment {
  const ask: FetchFunction = async ({ text }, variables) => {
    const response = await fetch(ADDRESS, {
      method: "POST",
      headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({ query: text, variables }),
    }).catch(() => {
      throw new RequestError(`${ADDRESS} cannot be reached. Is this page listed in GUANXI_ALLOWED_ORIGINS?`);
    });
    const answer = (await response.json()) as { data?: unknown; errors?: { message: string }[] };
    if (answer.errors?.length) throw new RequestError(answer.errors.map((error) => error.message).join("; "));
    return answer as GraphQLResponse;
  };
  return new Environment({ network: Network.create(ask), store: new Store(new RecordSource()) });
}
