"""The optional model of win probability: examples, training, scoring."""
