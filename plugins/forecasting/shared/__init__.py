"""What the other rooms share: periods, rules, policy, settings, vocabulary."""
