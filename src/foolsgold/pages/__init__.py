"""Pages: self-contained HTML, escaped, that asks no network for anything."""

from foolsgold.pages.page import PLOTS, Page, as_embedded_json
from foolsgold.pages.text import cut

__all__ = ["PLOTS", "Page", "as_embedded_json", "cut"]
