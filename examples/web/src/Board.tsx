import { useState, type DragEvent } from "react";
import { graphql, useFragment, useLazyLoadQuery, useMutation } from "react-relay";
import type { BoardCard$key } from "./__generated__/BoardCard.graphql";
import type { BoardMoveMutation } from "./__generated__/BoardMoveMutation.graphql";
import type { BoardQuery } from "./__generated__/BoardQuery.graphql";

/** Moves an opportunity to a stage: shown at once, and taken back with the reason where the server refuses. */
type Move = (opportunity: { id: string; version: number }, stage: string) => void;

/** Opportunities by stage; a card is dragged, or moved by its list of stages. */
export function Board() {
  const { stages, opportunities } = useLazyLoadQuery<BoardQuery>(
    graphql`
      query BoardQuery {
        stages {
          id
          name
        }
        opportunities(first: 200, where: { status: { notIn: [WON, LOST, CLOSED] } }, orderBy: [{ name: ASC }]) {
          totalCount
          nodes {
            id
            version
            stage {
              id
            }
            ...BoardCard
          }
        }
      }
    `,
    {},
  );
  const { nodes, totalCount } = opportunities;
  const [commit] = useMutation<BoardMoveMutation>(graphql`
    mutation BoardMoveMutation($input: MoveOpportunityInput!) {
      moveOpportunity(input: $input) {
        opportunity {
          id
          version
          stage {
            id
          }
        }
        userErrors {
          message
        }
      }
    }
  `);
  const [problems, setProblems] = useState<Readonly<Record<string, string>>>({});
  const move: Move = ({ id, version }, stage) => {
    const said = (message: string) => setProblems((known) => ({ ...known, [id]: message }));
    said("");
    commit({
      variables: { input: { id, stageId: stage, expectedVersion: version } },
      optimisticResponse: {
        moveOpportunity: { opportunity: { id, version, stage: { id: stage } }, userErrors: [] },
      },
      onCompleted: ({ moveOpportunity }) => said(moveOpportunity.userErrors.map((error) => error.message).join("; ")),
      onError: (error) => said(error.message),
    });
  };
  const dropped = (event: DragEvent, stage: string) => {
    event.preventDefault();
    const found = nodes.find(({ id }) => id === event.dataTransfer.getData("text/plain"));
    if (found && found.stage?.id !== stage) move(found, stage);
  };
  return (
    <>
      {nodes.length < totalCount && (
        <p role="status">
          The first {nodes.length} of {totalCount} open opportunities
        </p>
      )}
      <div className="board">
        {stages.map((stage) => (
          <section
            key={stage.id}
            aria-label={stage.name}
            onDragOver={(event) => event.preventDefault()}
            onDrop={(event) => dropped(event, stage.id)}
          >
            <h2>{stage.name}</h2>
            {nodes
              .filter((one) => one.stage?.id === stage.id)
              .map((one) => (
                <Card key={one.id} card={one} problem={problems[one.id]}>
                  <select
                    aria-label="Stage"
                    value={stage.id}
                    onChange={(event) => move(one, event.target.value)}
                  >
                    {stages.map(({ id, name }) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                  </select>
                </Card>
              ))}
          </section>
        ))}
      </div>
    </>
  );
}

function Card({ card, problem, children }: { card: BoardCard$key; problem?: string; children: React.ReactNode }) {
  const opportunity = useFragment(
    graphql`
      fragment BoardCard on Opportunity {
        id
        name
        customer {
          name
        }
        expectedAmount {
          amount
          currency
        }
      }
    `,
    card,
  );
  const money = opportunity.expectedAmount;
  return (
    <article draggable onDragStart={(event) => event.dataTransfer.setData("text/plain", opportunity.id)}>
      <h3>{opportunity.name}</h3>
      <p>{opportunity.customer?.name}</p>
      <p>
        {money && new Intl.NumberFormat(undefined, { style: "currency", currency: money.currency }).format(+money.amount)}
      </p>
      {children}
      {problem && <p role="alert">{problem}</p>}
    </article>
  );
}
