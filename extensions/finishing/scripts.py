"""Which scripts does a page load that no reader needs, or sooner than one needs them?

Steps of :mod:`extensions.finishing.steps`.
"""

from extensions.finishing.page import Page


def no_icon_script(page: Page) -> None:
    """Icons come from a font that holds those in use, not from a script of a megabyte that holds them all."""
    for script in page.tree.css('script[src*="scripts/fontawesome.js"]'):
        script.decompose()


def no_thebe(page: Page) -> None:
    """What the theme says about kernels in a cloud goes: nothing on the page asks for one."""
    for script in page.tree.css("script:not([src])"):
        if script.attributes.get("type") == "text/x-thebe-config" or script.text().strip().startswith("kernelName = "):
            script.decompose()


def deferred(page: Page) -> None:
    """Scripts do not hold up the first paint; the others expect to find the options when they run."""
    for script in page.tree.css("script[src]:not([defer]):not([async]):not([type])"):
        if "documentation_options" not in (script.attributes["src"] or ""):
            script.attrs["defer"] = ""
