"""The core's rules on opportunities, for plugins whose own statements need them: expressions to an expression."""

from core.crm.rules import months_before, outcome, weighted_amount, win_probability

__all__ = ["months_before", "outcome", "weighted_amount", "win_probability"]
