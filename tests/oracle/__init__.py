"""An oracle: the same GraphQL schema answered from plain lists, without SQL, to hold the answers of the app against."""
