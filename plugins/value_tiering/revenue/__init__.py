"""Revenue: what customers bought within a year, how often and of what, and how many stay and buy again."""
