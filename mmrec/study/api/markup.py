"""Pages about the package in Sphinx: code that a chapter shows, and links to types.

    ```{listing} mmrec.models.siamese_network.SiameseNetwork
    :only: encode_users rate
    ```

shows a class or function as it is when the book is built, without its docstrings. Types of other
libraries in signatures have no page in the book; they become plain text, where Sphinx would look
for each of them and then warn that it is not there.
"""

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.directives.code import container_wrapper
from sphinx.util.docutils import SphinxDirective

from mmrec.errors import StudyError
from mmrec.provenance import PACKAGE, ROOT
from mmrec.study.api.listing import file_of, listing


class Listing(SphinxDirective):
    """See the module; the option ``name`` makes a label that the text can refer to."""

    required_arguments = 1
    option_spec: ClassVar = {
        "only": directives.unchanged,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """A block of code under a caption that says where it is from."""
        (name,) = self.arguments
        only = tuple(self.options.get("only", "").split())
        try:
            code, file = listing(name, only), file_of(name)
        except StudyError as mistake:
            raise self.error(str(mistake)) from None
        self.env.note_dependency(str(file))
        block = nodes.literal_block(code, code, language="python")
        told = f"``{file.relative_to(ROOT).as_posix()}``"
        shown = container_wrapper(self, block, f"{told}, without docstrings.")
        self.add_name(shown)
        return [shown]


def leave_out_others(app: Sphinx, page: nodes.document) -> None:
    """Makes plain text of links to Python objects that are not the package's."""
    for link in list(page.findall(addnodes.pending_xref)):
        own = link["reftarget"].split(".")[0] == PACKAGE.name
        if link.get("refdomain") == "py" and not own:
            link.replace_self(link.children)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load the extension."""
    app.add_directive("listing", Listing)
    app.connect("doctree-read", leave_out_others)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
