"""From a mutation's input to drafts for the unit of work, and its answer."""
