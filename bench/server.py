"""guanxi as the comparisons serve it: as `guanxi serve` does, with the plugin of the comparisons added."""

import os
import sys

from bench.data import bench_app
from guanxi.cli.server import serve_app

if __name__ == "__main__":
    serve_app(bench_app(os.environ["BENCH_URL"]), "127.0.0.1", int(sys.argv[1]), lambda address, is_configured: None)
