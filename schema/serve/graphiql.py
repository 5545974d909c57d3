"""The page for trying queries: Strawberry's GraphiQL, with a plain console where its scripts cannot be loaded."""

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from strawberry.http.ides import get_graphql_ide_html

_FALLBACK = """
<script>
window.addEventListener("load", () => setTimeout(() => {
  if (window.GraphiQL) return;
  document.body.innerHTML = `
    <main style="font:14px system-ui;max-width:1200px;margin:0 auto;padding:16px;height:auto">
      <h1 style="font-size:18px">guanxi</h1>
      <p>GraphiQL's scripts come from unpkg.com, which cannot be reached. This plain console works without.</p>
      <form style="display:grid;grid-template-columns:1fr 1fr;gap:12px">
        <textarea name="query" spellcheck="false" style="height:60vh;font:13px monospace" aria-label="Query">${
          "{\\n  customers(first: 5) {\\n    totalCount\\n    nodes { name industry }\\n  }\\n}"}</textarea>
        <pre id="answer" style="height:60vh;overflow:auto;margin:0;border:1px solid #999" aria-label="Answer"></pre>
        <textarea name="variables" spellcheck="false" style="height:10vh;font:13px monospace"
          placeholder="Variables as JSON" aria-label="Variables"></textarea>
        <button style="height:2.5em">Run (Ctrl-Enter)</button>
      </form>
    </main>`;
  const form = document.querySelector("form"), answer = document.querySelector("#answer");
  const run = async (event) => {
    event.preventDefault();
    let variables = {};
    try { variables = JSON.parse(form.variables.value || "{}"); }
    catch { answer.textContent = "The variables are not JSON."; return; }
    const response = await fetch(location.pathname, {
      method: "POST", headers: {"content-type": "application/json"},
      body: JSON.stringify({query: form.query.value, variables}),
    });
    answer.textContent = JSON.stringify(await response.json(), null, 2);
  };
  form.addEventListener("submit", run);
  form.addEventListener("keydown", (event) => { if (event.ctrlKey && event.key === "Enter") run(event); });
}, 1500));
</script>
"""


#: Where its scripts and styles come from; the page pins what they must be.
_SOURCE = "https://unpkg.com"


@lru_cache(1)
def page() -> tuple[bytes, str]:
    """The page, which asks the endpoint it was loaded from; and what it may load and run, as a header says it."""
    html = get_graphql_ide_html(graphql_ide="graphiql").replace("</body>", f"{_FALLBACK}</body>")
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes} {_SOURCE}; style-src 'unsafe-inline' {_SOURCE}; font-src data: "
        f"{_SOURCE}; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html.encode(), policy
