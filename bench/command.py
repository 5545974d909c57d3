"""guanxi's commands as the comparisons run them: with the plugins they serve, whatever else is installed."""

from unittest.mock import patch

from bench.data import PLUGINS
from guanxi.cli.commands import main

if __name__ == "__main__":
    with patch("guanxi.app.discover", lambda: list(PLUGINS)):
        main()
