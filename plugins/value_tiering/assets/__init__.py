"""Assets: what customers brought over years beyond what it cost to keep them."""
