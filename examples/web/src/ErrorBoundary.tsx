import { Component, type ReactNode } from "react";

/** Shows what went wrong below it, and lets one try again. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <div role="alert">
        <p>{this.state.error.message}</p>
        <button onClick={() => location.reload()}>Try again</button>
      </div>
    );
  }
}
