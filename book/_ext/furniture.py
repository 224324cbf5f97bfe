"""What every page of the book carries besides its text: alternative texts, descriptions, links.

A Sphinx extension. The links to the repository (its page, issues, edits, Binder, Colab, the address
of the published book) all follow from the one setting ``repository: url`` of ``_config.yml``, and
are absent as long as it is empty.
"""

import re
from html import escape
from urllib.parse import urlparse

from docutils import nodes

LONGEST = 200
"""Characters of a page's description."""

BUTTONS = ("use_repository_button", "use_issues_button", "use_edit_page_button")
PROVIDERS = {
    "binderhub_url": "https://mybinder.org",
    "colab_url": "https://colab.research.google.com",
}
CARD = "_static/card.png"
SILENT = {"sphinx-mathjax-offline", "sphinx_multitoc_numbering", "sphinx_jupyterbook_latex"}
"""Extensions that work before the first page is read, after the last one, or for LaTeX alone."""


def setup(app):
    app.connect("config-inited", link_the_repository)
    app.connect("config-inited", read_in_parallel)
    app.connect("doctree-resolved", improve)
    app.connect("html-page-context", complete)
    app.connect("html-page-context", name_the_arrows, priority=900)  # after the theme
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read_in_parallel(app, config):
    """Vouches for the extensions that do not say whether several processes may read pages."""
    for name in SILENT & app.extensions.keys():
        app.extensions[name].parallel_read_safe = True


def published_at(repository: str) -> str:
    """The address of the pages of a repository at GitHub, with a slash; empty for any other."""
    parts = urlparse(repository)
    names = parts.path.strip("/").removesuffix(".git").split("/")
    if parts.netloc != "github.com" or len(names) != 2:
        return ""
    owner, name = names
    return f"https://{owner.lower()}.github.io/{name}/"


def link_the_repository(app, config):
    """Derives buttons and addresses from the repository, before the theme reads them."""
    options = config.html_theme_options
    repository = options.get("repository_url") or ""
    if not repository:
        return
    options.update(dict.fromkeys(BUTTONS, True))
    options["repository_branch"] = options.get("repository_branch") or "main"
    options["launch_buttons"] = {"notebook_interface": "jupyterlab", **PROVIDERS}
    config.html_baseurl = config.html_baseurl or published_at(repository)


def improve(app, doctree, name):
    """Gives pictures the words of their caption, and takes away what serves live code."""
    for figure in doctree.findall(nodes.figure):
        captions = [child for child in figure.children if isinstance(child, nodes.caption)]
        for image in figure.findall(nodes.image):
            if captions and not image.get("alt"):
                image["alt"] = " ".join(captions[0].astext().split())
    for raw in list(doctree.findall(nodes.raw)):
        if "x-thebe-config" in raw.astext():
            raw.parent.remove(raw)


def described(doctree) -> str:
    """The first paragraph of a page that is a sentence or more, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if isinstance(paragraph.parent, nodes.section) and len(text) > 40:
            short = text[: LONGEST + 1].rsplit(" ", 1)[0] if len(text) > LONGEST else text
            return short if short == text else f"{short.rstrip(',;:')} …"
    return ""


def complete(app, page, template, context, doctree):
    """Adds description and card, and has no script that would load code from the network."""
    context["script_files"] = [
        script
        for script in context.get("script_files", [])
        if "thebe" not in str(getattr(script, "filename", "") or "").lower()
        and "THEBE_JS_URL" not in str(getattr(script, "attributes", {}).get("body", ""))
    ]
    book = app.config.html_title
    title = re.sub(r"<[^>]+>", "", context.get("title") or book)
    about = (described(doctree) if doctree else "") or f"{title}: {book}."
    tags = {"og:type": "article", "og:site_name": book, "og:title": title, "og:description": about}
    base = app.config.html_baseurl
    if base:  # a picture on a card is found by its whole address only
        tags |= {"og:url": f"{base}{page}.html", "og:image": f"{base}{CARD}"}
    lines = [f'<meta name="description" content="{escape(about)}" />']
    lines += [f'<meta property="{name}" content="{escape(text)}" />' for name, text in tags.items()]
    if base:
        lines.append('<meta name="twitter:card" content="summary_large_image" />')
    context["metatags"] = context.get("metatags", "") + "\n".join(lines)
    # ARIA has given up the first role since; the list around the entries asks for the second.
    text = context.get("body") or ""
    text = text.replace('role="doc-biblioentry"', 'role="listitem"')
    # Figures scroll in a narrow window, and so must be reached by the keyboard.
    context["body"] = re.sub(r"<figure\b", '<figure tabindex="0"', text)
    if not page.startswith("notebooks/"):  # these lie beside the book, its other pages in it
        context["doc_path"] = "book"


def name_the_arrows(app, page, template, context, doctree):
    """Says in words what the arrows beside nested pages of the sidebar show and hide."""
    make = context.get("generate_toctree_html")
    if make:
        words = '<summary aria-label="Pages of this part">'
        context["generate_toctree_html"] = lambda *args, **options: str(
            make(*args, **options)
        ).replace("<summary>", words)
