"""The contract of plugins, and the host that orders and calls them."""
