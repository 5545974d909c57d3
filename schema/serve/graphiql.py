"""GraphiQL, the page for trying queries, with a plain console where its scripts cannot be loaded."""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

_FILE = Path(__file__).parent / "static" / "graphiql.html"


@lru_cache(1)
def page() -> tuple[bytes, str]:
    """The page, which asks the endpoint it was loaded from; and what it may load and run, as a header says it.

    What comes from elsewhere are files that it names, each of one version and checked by its hash.
    """
    html = _FILE.read_text(encoding="utf-8")
    (script,) = re.findall(r'<script type="module">(.*?)</script>', html, re.DOTALL)
    scripts = " ".join(re.findall(r'<script defer crossorigin src="(.*?)"', html))
    styles = " ".join(re.findall(r'<link crossorigin rel="stylesheet" href="(.*?)"', html))
    own = b64encode(sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{own}' {scripts}; style-src 'unsafe-inline' {styles}; font-src data:; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html.encode(), policy
