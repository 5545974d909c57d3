"""Ranking: what customers brought, their ranks and tiers, the classes that follow, and the history of tiers."""
