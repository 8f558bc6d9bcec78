"""What stands at the top of the site? A way to the title page, by which links to the site show what that page is about.

Jupyter Book's own says nothing else. Not beside the tags themselves: the build writes it last, without Sphinx.
"""

from selectolax.lexbor import LexborHTMLParser

REDIRECT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={page}">
{head}
</head>
<body><p>The book begins at <a href="{page}">{page}</a>.</p></body>
</html>
"""
#: What the head of a page says about it to others.
SHARED = (
    "head > title",
    'meta[name="description"]',
    'meta[property^="og:"]',
    'meta[name^="twitter:"]',
    'link[rel="canonical"]',
    'link[rel="alternate"]',
    'link[rel="icon"]',
)


def front_page(page: str, name: str) -> str:
    """What stands at the top of the site: a way to the title page, with the same title and tags."""
    head = [node.html or "" for selector in SHARED for node in LexborHTMLParser(page).css(selector)]
    return REDIRECT.format(page=name, head="\n".join(head))
