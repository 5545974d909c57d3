import { Suspense, useMemo, useState, useSyncExternalStore } from "react";
import { RelayEnvironmentProvider } from "react-relay";
import { Board } from "./Board";
import { Customers } from "./Customers";
import { environmentOf } from "./environment";
import { ErrorBoundary } from "./ErrorBoundary";

function useHash(): string {
  return useSyncExternalStore(
    (changed) => {
      addEventListener("hashchange", changed);
      return () => removeEventListener("hashchange", changed);
    },
    () => location.hash,
  );
}

export function App() {
  const isBoard = useHash() === "#/board";
  const [key, setKey] = useState("");
  const environment = useMemo(() => environmentOf(key), [key]);
  return (
    <RelayEnvironmentProvider environment={environment}>
      <header>
        <nav>
          <a href="#/" aria-current={isBoard ? undefined : "page"}>
            Customers
          </a>
          <a href="#/board" aria-current={isBoard ? "page" : undefined}>
            Board
          </a>
        </nav>
        <form action={(form) => setKey(String(form.get("key")).trim())}>
          <input name="key" type="password" autoComplete="off" placeholder="API key, if one is needed" aria-label="API key" />
          <button>Use</button>
        </form>
      </header>
      <main>
        <ErrorBoundary key={`${isBoard} ${key}`}>
          <Suspense fallback={<p role="status">Loading …</p>}>{isBoard ? <Board /> : <Customers />}</Suspense>
        </ErrorBoundary>
      </main>
    </RelayEnvironmentProvider>
  );
}
