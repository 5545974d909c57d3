"""Subscriptions: what clients are told as it happens, over WebSocket and as event streams."""
