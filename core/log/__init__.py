"""What accompanies every record: its changes, its events, its tags and external ids."""
